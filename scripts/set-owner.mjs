/**
 * Writes the GitHub owner into every file of the repository that names it: README, docs, examples,
 * templates, and package.json's `repository`, `bugs` and `homepage`. The new name replaces `GITHUB_REPOSITORY` below too, so a second run with the
 * same name changes nothing, and a run with another name renames everything again.
 *
 * node scripts/set-owner.mjs OWNER[/REPO]
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The GitHub repository as every file names it. Until this script has run, the owner is a placeholder. */
export const GITHUB_REPOSITORY = "your-org/durable-export";

/** The folder that the guides' `git clone` creates, regardless of the repository's name. */
const CLONE_FOLDER = "durable-export";

const OWNER = /^[a-z\d][a-z\d_-]{0,38}$/i;
const NAME = /^(?!\.{1,2}$)[\w.-]{1,100}$/;

/**
 * Replaces `GITHUB_REPOSITORY` by `repository` (`OWNER/REPO`) in all files that Git tracks in
 * `folder`. Returns the changed paths. Throws, and changes nothing, if GitHub does not allow the
 * name.
 */
export function setRepository(folder, repository) {
  const [owner = "", name = "", ...rest] = repository.split("/");
  if (!OWNER.test(owner) || !NAME.test(name) || rest.length > 0) {
    throw new Error(
      `"${repository}" is not the name of a GitHub repository. Give OWNER or OWNER/REPO.`,
    );
  }
  const tracked = execFileSync("git", ["ls-files", "-z"], { cwd: folder, encoding: "utf8" });
  // No other character of a name has a meaning in a regular expression.
  const clone = new RegExp(
    `(git clone https://github\\.com/${repository.replaceAll(".", "\\.")})$`,
    "gm",
  );
  const changed = [];
  for (const path of tracked.split("\0").filter((each) => each !== "")) {
    const bytes = readFileSync(join(folder, path));
    if (!bytes.includes(GITHUB_REPOSITORY)) continue;
    const text = bytes.toString("utf8");
    const renamed = text
      .replaceAll(GITHUB_REPOSITORY, repository)
      .replaceAll(clone, name === CLONE_FOLDER ? "$1" : `$1 ${CLONE_FOLDER}`);
    if (renamed === text) continue;
    writeFileSync(join(folder, path), renamed);
    changed.push(path);
  }
  return changed;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = ""] = process.argv.slice(2);
  const repository = name.includes("/") ? name : `${name}/${GITHUB_REPOSITORY.split("/")[1]}`;
  const folder = fileURLToPath(new URL("..", import.meta.url));
  try {
    const changed = setRepository(folder, repository);
    console.log(`${repository}: ${changed.length} files changed`);
    for (const path of changed) console.log(`  ${path}`);
  } catch (error) {
    console.error(error.message);
    process.exitCode = 2;
  }
}
