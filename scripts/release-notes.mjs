/**
 * Prints the section of CHANGELOG.md for a version, as the notes of its GitHub release.
 *
 * node scripts/release-notes.mjs VERSION
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { GITHUB_REPOSITORY } from "./set-owner.mjs";

/**
 * Returns the section of `version` without its heading. Links into the repository lead to the
 * version's tag, because a release page is not a page of the repository. Throws if the changelog
 * has no such section.
 */
export function releaseNotes(changelog, version) {
  const section = changelog.split(/^## /m).find((each) => each.startsWith(`[${version}]`));
  if (section === undefined) throw new Error(`CHANGELOG.md has no section for ${version}`);
  const tree = `https://github.com/${GITHUB_REPOSITORY}/blob/v${version}/`;
  const body = section.slice(section.indexOf("\n")).trim();
  return `${body.replaceAll(/\]\((?![a-z]+:|#)/g, `](${tree}`)}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const changelog = readFileSync(new URL("../CHANGELOG.md", import.meta.url), "utf8");
  process.stdout.write(releaseNotes(changelog, process.argv[2] ?? ""));
}
