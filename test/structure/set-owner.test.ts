import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";

import { GITHUB_REPOSITORY, setRepository } from "../../scripts/set-owner.mjs";
import { copyRepository, type RepositoryCopy } from "../support/repository-copy.ts";

const [OWNER, NAME] = GITHUB_REPOSITORY.split("/");

let copy: RepositoryCopy;
beforeAll(() => {
  copy = copyRepository();
}, 120_000);
afterEach(() => copy.run("git", "checkout", "--quiet", "--", "."));
afterAll(() => copy.remove());

function setOwner(name: string): string {
  return copy.run(process.execPath, "scripts/set-owner.mjs", name);
}

function changedFiles(): string[] {
  return copy.run("git", "diff", "--name-only").split("\n").slice(0, -1);
}

function filesWith(text: string): string[] {
  return copy.files.filter((path) => copy.read(path).includes(text));
}

test("the owner is filled in everywhere, package.json's links included", async () => {
  const named = filesWith(GITHUB_REPOSITORY);
  expect(named).toEqual(
    expect.arrayContaining(["README.md", "SECURITY.md", "docs/deploy.md", "package.json"]),
  );

  setOwner("some-owner-7");

  expect(filesWith(`some-owner-7/${NAME}`)).toEqual(named);
  expect(filesWith(`github.com/${OWNER}/`)).toEqual([]);
  expect(filesWith(`uses: ${OWNER}/`)).toEqual([]);
  const { GITHUB_REPOSITORY: now } = (await import(
    pathToFileURL(join(copy.folder, "scripts/set-owner.mjs")).href
  )) as { GITHUB_REPOSITORY: string };
  expect(now).toBe(`some-owner-7/${NAME}`);
  expect(JSON.parse(copy.read("package.json"))).toMatchObject({
    repository: { type: "git", url: `git+https://github.com/some-owner-7/${NAME}.git` },
    bugs: { url: `https://github.com/some-owner-7/${NAME}/issues` },
    homepage: `https://github.com/some-owner-7/${NAME}#readme`,
  });
});

test("a second run changes nothing, and the old name brings every file back", () => {
  setOwner("some-owner-7");
  const first = changedFiles();
  expect(first).not.toEqual([]);
  expect(setOwner("some-owner-7")).toContain("0 files changed");
  expect(changedFiles()).toEqual(first);
  setOwner(GITHUB_REPOSITORY);
  expect(changedFiles()).toEqual([]);
});

test("a repository with another name is still cloned into the folder that the guides name", () => {
  const guides = filesWith(`git clone https://github.com/${GITHUB_REPOSITORY}`);
  expect(guides).toContain("docs/getting-started.md");
  setOwner("some-owner-7/backup.tool");
  setOwner("some-owner-7/backup.tool");
  const clone = "git clone https://github.com/some-owner-7/backup.tool durable-export\n";
  expect(filesWith(clone)).toEqual(guides);
});

test.each(["", "/", "octo org/x", "octo-org/", "octo-org/a/b", "-octo/x", "octo-org/.."])(
  "the name %j is refused, and nothing changes",
  (name) => {
    expect(() => setRepository(copy.folder, name)).toThrow(
      `"${name}" is not the name of a GitHub repository. Give OWNER or OWNER/REPO.`,
    );
    expect(changedFiles()).toEqual([]);
  },
);

test("a run without a name is refused", () => {
  const words = [join(copy.folder, "scripts/set-owner.mjs")];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: "utf8" });
  expect(status).toBe(2);
  expect(stderr).toContain("Give OWNER or OWNER/REPO");
});
