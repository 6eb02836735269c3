/**
 * Prepares a release. `changeset version` decides the version from the changesets and writes it into
 * package.json. This script writes it into every other file that contains it: the lock file, `VERSION`, the
 * bundles, and CHANGELOG.md, whose [Unreleased] entries become the version's section.
 *
 * npm run bump
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import * as esbuild from "esbuild";

import { buildCommands } from "./build-commands.mjs";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

const UNRELEASED = "## [Unreleased]\n";

/** Returns the changelog before and after the heading [Unreleased]. Throws if it has no entries. */
function splitChangelog(text) {
  const [head = "", rest = ""] = text.split(UNRELEASED);
  if (rest.trim() === "" || /^\s*## /.test(rest)) {
    throw new Error("CHANGELOG.md has no entries under [Unreleased]. Describe what changed there.");
  }
  return { head, rest };
}

/**
 * Raises the version in all files. `date` is the release date, as YYYY-MM-DD. Returns the new
 * version.
 */
async function bumpVersion({ date }) {
  const read = (path) => readFileSync(join(REPOSITORY, path), "utf8");
  const write = (path, text) => writeFileSync(join(REPOSITORY, path), text);
  // Before the changesets are consumed.
  const { head, rest } = splitChangelog(read("CHANGELOG.md"));

  const changesets = fileURLToPath(import.meta.resolve("@changesets/cli/bin.js"));
  execFileSync(process.execPath, [changesets, "version"], { cwd: REPOSITORY, stdio: "inherit" });
  const { version } = JSON.parse(read("package.json"));

  write("CHANGELOG.md", `${head}${UNRELEASED}\n## [${version}] - ${date}\n${rest}`);
  const lock = JSON.parse(read("package-lock.json"));
  lock.version = version;
  lock.packages[""].version = version;
  write("package-lock.json", `${JSON.stringify(lock, null, 2)}\n`);
  const file = "src/api/version.ts";
  write(file, read(file).replace(/VERSION = "[^"]*"/, `VERSION = "${version}"`));
  await buildCommands(esbuild);
  return version;
}

try {
  const version = await bumpVersion({ date: new Date().toISOString().slice(0, 10) });
  console.log(`The version is ${version}. Review the changes, and commit them.`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
