import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { marked, type Token, type Tokens } from "marked";
import { describe, expect, test } from "vitest";

const REPOSITORY = join(import.meta.dirname, "../..");

const PAGES = globSync(["*.md", "docs/**/*.md", "examples/**/*.md"], { cwd: REPOSITORY })
  .map((path) => path.replaceAll("\\", "/"))
  .sort();

/** The tokens of a page as GitHub renders it, with all that they contain. */
function tokensOf(markdown: string): Token[] {
  const found: Token[] = [];
  void marked.walkTokens(marked.lexer(markdown), (token) => void found.push(token));
  return found;
}

/** Texts in which a number that should start a list item stands within a line. */
function findInlineNumbers(markdown: string): string[] {
  return tokensOf(markdown)
    .filter(({ type, ...token }) => type === "paragraph" || (type === "text" && "tokens" in token))
    .map((token) => token.raw)
    .filter((text) => /[.:;!?)]\s+\d{1,2}\. +[A-Z`"]/.test(text));
}

/** First items of numbered lists that do not have the number 1: something has cut the list in two. */
function findBrokenLists(markdown: string): string[] {
  return tokensOf(markdown)
    .filter((token): token is Tokens.List => token.type === "list" && token["ordered"] === true)
    .filter(({ start }) => start !== 1)
    .map(({ raw }) => raw.split("\n")[0] ?? "");
}

/** Cells that mean nothing without the row above them. */
function findDanglingCells(markdown: string): string[] {
  return tokensOf(markdown)
    .filter((token): token is Tokens.Table => token.type === "table")
    .flatMap(({ rows }) => rows.flat().map(({ text }) => text))
    .filter((text) =>
      /^(?:(?:and )?(?:the same|by default|at most|that of|ditto|as above)\b|and )/i.test(text),
    );
}

describe.each(PAGES)("%s", (page) => {
  const markdown = readFileSync(join(REPOSITORY, page), "utf8");

  test("starts each number of a list on a line of its own", () => {
    expect(findInlineNumbers(markdown)).toEqual([]);
  });

  test("counts each list from 1", () => {
    expect(findBrokenLists(markdown)).toEqual([]);
  });
});

// Records of the past are not rewritten for their style.
const PRESENT_PAGES = PAGES.filter((page) => !page.startsWith("docs/decisions/"));

test.each(PRESENT_PAGES)("%s has no table cell that only the row above explains", (page) => {
  const markdown = readFileSync(join(REPOSITORY, page), "utf8");
  expect(findDanglingCells(markdown)).toEqual([]);
});

test("numbers within a line and cut lists are found", () => {
  expect(findInlineNumbers("1. Read a row. 2. Write it.\n1. Read on.\n")).toHaveLength(1);
  expect(findInlineNumbers("- **It moves:**\n  1. Read a row.\n  2. Write it.\n")).toEqual([]);
  expect(findBrokenLists("1. Read.\n\nThen:\n\n2. Write.\n")).toEqual(["2. Write."]);
  expect(findBrokenLists("1. Read.\n\n   Then:\n\n2. Write.\n")).toEqual([]);
});

test("cells that only the row above explains are found", () => {
  const table =
    "| limit | value |\n| - | - |\n| a part, at least | 5 |\n| at most | 16 |\n| a page | the same |\n";
  expect(findDanglingCells(table)).toEqual(["at most", "the same"]);
});
