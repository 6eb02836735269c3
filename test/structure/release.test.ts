import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import {
  copyRepository,
  listRepositoryFiles,
  type RepositoryCopy,
} from "../support/repository-copy.ts";

const REPOSITORY = join(import.meta.dirname, "../..");
const [MAJOR = 0, MINOR = 0] = packageJson.version.split(".").map(Number);
const NEXT = `${MAJOR}.${MINOR + 1}.0`;

/** The headings of a changelog's versions, newest first. */
function headingsOf(changelog: string): string[] {
  return changelog.match(/^## .*$/gm) ?? [];
}

describe("CHANGELOG.md", () => {
  const changelog = readFileSync(join(REPOSITORY, "CHANGELOG.md"), "utf8");

  test("has [Unreleased] on top, and the package's version below it", () => {
    const [first, second] = headingsOf(changelog);
    expect(first).toBe("## [Unreleased]");
    expect(second).toMatch(
      new RegExp(`^## \\[${packageJson.version}\\](?: - \\d{4}-\\d\\d-\\d\\d)?$`),
    );
  });

  test("has only kinds of changes that a reader knows", () => {
    const kinds = new Set(["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]);
    const found = [...changelog.matchAll(/^### (.*)$/gm)].map(([, kind = ""]) => kind);
    expect(found.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});

test("the version stands only where a release writes it", () => {
  const written = new Set([
    "CHANGELOG.md",
    "package-lock.json",
    "package.json",
    "src/api/version.ts",
  ]);
  const whole = new RegExp(`(?<![\\d.])${packageJson.version.replaceAll(".", "\\.")}(?![\\d.])`);
  const others = listRepositoryFiles().filter(
    (path) => !written.has(path) && !path.startsWith("action/dist/"),
  );
  const named = others.filter((path) => whole.test(readFileSync(join(REPOSITORY, path), "utf8")));
  expect(named).toEqual([]);
});

describe("npm run bump", () => {
  let copy: RepositoryCopy;
  let unreleased: string;

  beforeAll(() => {
    copy = copyRepository();
    for (const path of copy.files.filter((each) => /^\.changeset\/(?!README).*\.md$/.test(each))) {
      rmSync(join(copy.folder, path));
    }
    plant(".changeset/a-change.md", `---\n"durable-export": minor\n---\n\nA change.\n`);
    const entry = "## [Unreleased]\n\n### Added\n\n- A planted entry ([guide](docs/deploy.md)).\n";
    plant("CHANGELOG.md", copy.read("CHANGELOG.md").replace("## [Unreleased]\n", entry));
    unreleased = copy.read("CHANGELOG.md").split("## [Unreleased]\n")[1]?.split("\n## ")[0] ?? "";
    copy.run("npm", "run", "bump");
  }, 120_000);
  afterAll(() => copy.remove());

  function plant(path: string, text: string): void {
    writeFileSync(join(copy.folder, path), text);
  }

  test("writes the next version into every file that contains it", () => {
    type Lock = { version: string; packages: Record<string, { version: string }> };
    const lock = JSON.parse(copy.read("package-lock.json")) as Lock;
    expect(JSON.parse(copy.read("package.json"))).toMatchObject({ version: NEXT });
    expect([lock.version, lock.packages[""]?.version]).toEqual([NEXT, NEXT]);
    expect(copy.read("src/api/version.ts")).toContain(`VERSION = "${NEXT}"`);
    expect(copy.read("action/dist/main.cjs")).toContain(`VERSION="${NEXT}"`);
  });

  test("changes the two versions of the lock file and nothing else in it", () => {
    const changed = copy.run("git", "diff", "--numstat", "--", "package-lock.json");
    expect(changed).toBe("2\t2\tpackage-lock.json\n");
  });

  test("turns [Unreleased] into the version's section, and leaves the heading on top", () => {
    const changelog = copy.read("CHANGELOG.md");
    const today = new Date().toISOString().slice(0, 10);
    expect(headingsOf(changelog).slice(0, 2)).toEqual([
      "## [Unreleased]",
      `## [${NEXT}] - ${today}`,
    ]);
    expect(changelog).toContain(`## [Unreleased]\n\n## [${NEXT}] - ${today}\n${unreleased}`);
  });

  test("uses up the changesets", () => {
    const left = copy.run("git", "ls-files", "-o", "--exclude-standard", ".changeset");
    expect(left).toBe("");
  });

  test("leaves files that are formatted", () => {
    copy.run(
      "node_modules/.bin/oxfmt",
      "--check",
      "CHANGELOG.md",
      "package.json",
      "src/api/version.ts",
    );
  });

  test("prints the section as the notes of a GitHub release, with links that lead to the tag", () => {
    const notes = copy.run(process.execPath, "scripts/release-notes.mjs", NEXT);
    expect(notes).toContain("### Added\n\n- A planted entry");
    expect(notes).toMatch(
      new RegExp(`\\(https://github\\.com/\\S+/blob/v${NEXT}/docs/deploy\\.md\\)`),
    );
    expect(notes).not.toContain("## [");
  });

  test("refuses a release without entries before it uses up a changeset", () => {
    plant(".changeset/another.md", `---\n"durable-export": patch\n---\n\nA change.\n`);
    expect(failureOf("npm", "run", "bump")).toContain("no entries under [Unreleased]");
    expect(JSON.parse(copy.read("package.json"))).toMatchObject({ version: NEXT });
    expect(copy.read(".changeset/another.md")).toContain("A change.");
    rmSync(join(copy.folder, ".changeset/another.md"));
  });

  test("refuses a release without a changeset, and leaves CHANGELOG.md as it is", () => {
    const entries = "## [Unreleased]\n\n### Fixed\n\n- Another entry.\n";
    const changelog = copy.read("CHANGELOG.md").replace("## [Unreleased]\n", entries);
    plant("CHANGELOG.md", changelog);
    expect(failureOf("npm", "run", "bump")).toContain("No unreleased changesets found");
    expect(copy.read("CHANGELOG.md")).toBe(changelog);
  });

  /** What a program prints that fails. */
  function failureOf(...words: [string, ...string[]]): string {
    try {
      copy.run(...words);
    } catch (error) {
      const { stdout, stderr } = error as { stdout: string; stderr: string };
      return stdout + stderr;
    }
    throw new Error(`${words.join(" ")} did not fail`);
  }
});
