import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";
import { expect, test } from "vitest";

import { BUILT_PAGE, buildPage } from "../scripts/build-page.mjs";
import { PAGE } from "../src/routes/page/built-page.ts";

const REPOSITORY = join(import.meta.dirname, "..");

/** Together with nothing else: the page is one document. */
const GZIP_BYTES_MAX = 60_000;

test("the page in Git is what `npm run build` makes of the sources", async () => {
  const committed = readFileSync(join(REPOSITORY, BUILT_PAGE), "utf8");
  const isBuilt = committed === (await buildPage(esbuild));
  expect(isBuilt, "run `npm run build:page` and commit the result").toBe(true);
});

test("the page is under 60 KB gzip in total", () => {
  expect(gzipSync(PAGE.html).byteLength).toBeLessThan(GZIP_BYTES_MAX);
});

test("the page names no other host", () => {
  const hosts = PAGE.html.match(/https?:\/\/[\w.-]+/g) ?? [];
  // The names of XML's vocabularies are never loaded.
  expect(hosts.filter((host) => host !== "http://www.w3.org")).toEqual([]);
});

test("the page has no inline handler, no inline style, and no code that writes markup", () => {
  const [markup = ""] = PAGE.html.split("<style>");
  expect(markup).not.toMatch(/\son\w+=|\sstyle="/);
  const sources = esbuild.buildSync({
    absWorkingDir: REPOSITORY,
    entryPoints: ["page/main.tsx"],
    bundle: true,
    write: false,
    metafile: true,
    jsx: "automatic",
    jsxImportSource: "preact",
  }).metafile.inputs;
  const ours = Object.keys(sources).filter((path) => path.startsWith("page/"));
  expect(ours.length).toBeGreaterThan(30);
  for (const path of ours) {
    const text = readFileSync(join(REPOSITORY, path), "utf8");
    expect(text, path).not.toMatch(/innerHTML|document\.write|\beval\(|\bstyle=/);
  }
});
