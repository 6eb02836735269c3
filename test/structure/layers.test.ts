import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { afterAll, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { VERSION } from "../../src/api/version.ts";

const house = mkdtempSync(join(tmpdir(), "layers-"));
copyFileSync(".oxlintrc.json", join(house, ".oxlintrc.json"));
afterAll(() => rmSync(house, { recursive: true }));

/** What the linter says of a file at `path` that imports `specifier`. */
function lint(path: string, specifier: string): string {
  const file = join(house, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `import { thing } from "${specifier}";\nexport const other = thing;\n`);
  try {
    return execFileSync(resolve("node_modules/.bin/oxlint"), ["-f", "unix", file], {
      cwd: house,
      encoding: "utf8",
    });
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  }
}

test.each([
  ["src/lib/planted.ts", "../model/limits.ts"],
  ["src/model/planted.ts", "../dump/plan.ts"],
  ["src/dump/planted.ts", "../source/source.ts"],
  ["src/source/planted.ts", "../storage/part-cutter.ts"],
  ["src/storage/planted.ts", "../source/source.ts"],
  ["src/notify/planted.ts", "../storage/part-cutter.ts"],
  ["src/workflows/planted.ts", "../routes/jobs.ts"],
  ["src/workflows/planted.ts", "../streams/open-stream.ts"],
  ["src/storage/planted.ts", "../streams/open-stream.ts"],
  ["src/source/planted.ts", "../streams/open-stream.ts"],
  ["src/streams/planted.ts", "../workflows/run-context.ts"],
  ["src/streams/planted.ts", "../routes/jobs.ts"],
  ["src/routes/planted.ts", "../workflows/export-workflow.ts"],
  ["src/database/planted.ts", "../dump/plan.ts"],
  ["src/database/planted.ts", "../source/source.ts"],
  ["cli/planted.ts", "../src/storage/part-cutter.ts"],
])("the linter refuses %s to import %s", (path, specifier) => {
  expect(lint(path, specifier)).toContain("no-restricted-imports");
});

test.each([
  ["src/dump/allowed.ts", "../model/catalog.ts"],
  ["src/workflows/allowed.ts", "../storage/part-cutter.ts"],
  ["src/streams/allowed.ts", "../storage/compressor.ts"],
  ["src/streams/allowed.ts", "../source/source.ts"],
  ["src/routes/allowed.ts", "../streams/open-stream.ts"],
  ["src/database/allowed.ts", "../source/with-export.ts"],
  ["cli/allowed.ts", "../src/model/error.ts"],
])("the linter lets %s import %s", (path, specifier) => {
  expect(lint(path, specifier)).not.toContain("no-restricted-imports");
});

test("the version in a dump's header is the package's", () => {
  expect(VERSION).toBe(packageJson.version);
});
