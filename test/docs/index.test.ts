import { globSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

import { readPage } from "../support/doc-blocks.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

const index = readPage("docs/README.md");

/** The entries of the index by group. An entry is a link and one phrase. */
const groups = index
  .split("\n## ")
  .slice(1)
  .map((group) => ({
    name: group.split("\n")[0],
    entries: group
      .replaceAll(/\n {2,}/g, " ")
      .split("\n")
      .filter((line) => line.startsWith("- ")),
  }));

test("docs/README.md has four groups, by what a reader wants", () => {
  expect(groups.map(({ name }) => name)).toEqual(["Use", "Run", "Understand", "Maintain"]);
});

test("docs/README.md links every page of docs/ from exactly one group", () => {
  const linked = groups
    .flatMap(({ entries }) => entries.map((entry) => /\]\(([^)]+)\)/.exec(entry)?.[1] ?? entry))
    .filter((link) => /^[^/#]+\.md$/.test(link));
  const pages = globSync("*.md", { cwd: join(REPOSITORY, "docs") });
  expect(linked.toSorted()).toEqual(pages.filter((page) => page !== "README.md").toSorted());
});

test("docs/README.md describes each entry by one phrase", () => {
  const entries = groups.flatMap((group) => group.entries);
  expect(entries.length).toBeGreaterThan(20);
  for (const entry of entries) {
    const [, phrase = ""] = /^- \[[^\]]+\]\([^)]+\): (.+)$/.exec(entry) ?? [];
    expect(phrase, entry).not.toBe("");
    expect(phrase.split(" ").length, entry).toBeLessThan(13);
    expect(phrase, entry).not.toMatch(/[.;]$|\. /);
  }
});
