import { globSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { ERRORS } from "../../src/api/errors.ts";
import { DOC_PAGES, readPage } from "../support/doc-blocks.ts";
import { findTranslated } from "./plain-english.ts";

test("a planted sentence is found, with its line and what to write instead", () => {
  const page = "A fine line.\n\nThe job, which runs on by itself, goes on where it was told of.";
  expect(findTranslated(page)).toEqual([
    { line: 3, phrase: "was told", instead: "reports, is reported" },
    { line: 3, phrase: "goes on", instead: "resumes, continues" },
  ]);
});

test("code is data and may say anything", () => {
  expect(findTranslated("Run `goes on`.\n\n```sh\necho goes on\n```\n")).toEqual([]);
});

/** Records of the past are not rewritten for their style. */
const pages = [...DOC_PAGES, "CHANGELOG.md"].filter((page) => !page.startsWith("docs/decisions/"));

test.each(pages)("%s says nothing that reads as a translation", (page) => {
  expect(findTranslated(readPage(page))).toEqual([]);
});

test.each(Object.entries(ERRORS))("the hint of %s reads as plain English", (_code, { hint }) => {
  expect(findTranslated(hint)).toEqual([]);
});

test("no description or summary of a route reads as a translation", () => {
  const files = globSync("src/routes/**/*.ts", { exclude: ["**/*.test*.ts"] });
  const texts = files.flatMap((file) => [
    ...readFileSync(file, "utf8").matchAll(/(?:summary|description):\s*((?:"[^"]*"[\s+]*)+)/g),
  ]);
  expect(texts.length).toBeGreaterThan(50);
  const joined = texts.map(([, text = ""]) => text.replaceAll(/"\s*\+?\s*"?/g, ""));
  expect(joined.flatMap(findTranslated)).toEqual([]);
});
