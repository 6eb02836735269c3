import { globSync, readFileSync } from "node:fs";

import { expect, test } from "vitest";

import { ERRORS } from "../../src/api/error-codes.ts";
import { DOC_PAGES, readPage } from "../support/doc-blocks.ts";
import { findTranslated, listComments, listMessages } from "./plain-english.ts";

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

test("planted sentences in comments and messages of code are found, also across lines", () => {
  const code = [
    'const url = "https://example.com/"; // A link that goes',
    "// on without end.",
    "/**",
    " * The job is",
    " * told of its end, where `it goes on` is code.",
    " */",
    "throw new Error(`the job ${id} alone goes on`);",
    'db.exec("SELECT a FROM t WHERE alone");',
  ].join("\n");
  expect(listComments(code)).toEqual([
    { line: 1, text: "A link that goes on without end." },
    { line: 3, text: "The job is told of its end, where `it goes on` is code." },
  ]);
  expect(listMessages(code)).toEqual([{ line: 7, text: "the job X alone goes on" }]);
  const phrases = [...listComments(code), ...listMessages(code)].flatMap(({ text }) =>
    findTranslated(text).map(({ phrase }) => phrase),
  );
  expect(phrases).toEqual(["goes on", "is told", "goes on", "alone"]);
});

const sources = globSync(
  "{src,cli,action,demo,bench,page,scripts,examples,test/support}/**/*.{ts,tsx,mjs}",
).filter((path) => !/\.test\.ts$|\.test-d\.ts$|built-page\.ts$/.test(path));

test.each(sources)("comments and messages of %s read as plain English", (path) => {
  const code = readFileSync(path, "utf8");
  const found = [...listComments(code), ...listMessages(code)].flatMap(({ line, text }) =>
    findTranslated(text).map(({ phrase, instead }) => ({ line, phrase, instead })),
  );
  expect(found).toEqual([]);
});

test("inputs and outputs of the Action read as plain English", () => {
  expect(findTranslated(readFileSync("action.yml", "utf8"))).toEqual([]);
});
