import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

import { GITHUB_REPOSITORY } from "../../scripts/set-owner.mjs";
import { blocksOf } from "../support/doc-blocks.ts";

/** Makes a repository with one commit on `main`. */
function makeRepository(
  path: string,
  files: Record<string, string>,
): (...words: string[]) => string {
  const git = (...words: string[]): string =>
    execFileSync("git", ["-c", "user.name=t", "-c", "user.email=t@example.com", ...words], {
      cwd: path,
      encoding: "utf8",
      stdio: "pipe",
    });
  mkdirSync(path);
  git("init", "--quiet", "--initial-branch=main");
  git("config", "user.name", "t");
  git("config", "user.email", "t@example.com");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  git("add", "--all");
  git("commit", "--quiet", "--message", "Start");
  return git;
}

test("docs/deploy.md updates the button's copy, which shares no history, and keeps its configuration", () => {
  const folder = mkdtempSync(join(tmpdir(), "deploy-button-"));
  try {
    const upstream = join(folder, "upstream");
    makeRepository(upstream, { "wrangler.jsonc": "{}", "index.ts": "new", "added.ts": "added" });
    const copy = join(folder, "copy");
    const git = makeRepository(copy, { "wrangler.jsonc": '{ "name": "mine" }', "index.ts": "old" });
    git("init", "--quiet", "--bare", join(folder, "origin.git"));
    git("remote", "add", "origin", join(folder, "origin.git"));
    git("push", "--quiet", "--set-upstream", "origin", "main");

    const block = blocksOf("docs/deploy.md").find(({ text }) => text.startsWith("git fetch"));
    const script = (block?.text ?? "").replace(`https://github.com/${GITHUB_REPOSITORY}`, upstream);
    expect(script).toContain(upstream);
    execFileSync("bash", ["-euc", script], { cwd: copy, stdio: "pipe" });

    const read = (name: string): string => readFileSync(join(copy, name), "utf8");
    expect(read("index.ts")).toBe("new");
    expect(read("added.ts")).toBe("added");
    expect(read("wrangler.jsonc")).toBe('{ "name": "mine" }');
    expect(git("status", "--porcelain")).toBe("");
    expect(git("rev-parse", "origin/main")).toBe(git("rev-parse", "HEAD"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
