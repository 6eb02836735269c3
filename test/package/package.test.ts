import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { checkPackage, Package } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { buildLibrary } from "../../scripts/build-library.mjs";

/** The package as it would be installed, but for the command line and the sources. */
const folder = mkdtempSync(join(tmpdir(), "package-"));

beforeAll(() => {
  cpSync("package.json", join(folder, "package.json"));
  cpSync("LICENSE", join(folder, "LICENSE"));
  buildLibrary(join(folder, "dist/library"));
}, 60_000);

afterAll(() => rmSync(folder, { recursive: true }));

test("publint finds nothing wrong with the package but the command line that was left out", async () => {
  const { messages } = await publint({ pkgDir: folder, pack: false, strict: true });
  const wrong = messages.filter((message) => message.path[0] !== "bin");
  expect(wrong.map((message) => formatMessage(message, packageJson))).toEqual([]);
});

test("every entry has its types, for bundlers and for Node's own resolution of modules", async () => {
  const files: Record<string, Uint8Array> = {};
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (/\.(?:js|json|d\.ts)$/.test(path)) {
      files[`/node_modules/durable-export/${path}`] = readFileSync(join(folder, path));
    }
  }
  const result = await checkPackage(new Package(files, packageJson.name, packageJson.version));
  if (result.types === false) throw new Error("there are no types");
  expect(Object.keys(result.entrypoints)).toEqual([".", "./hono", "./worker", "./package.json"]);
  // It runs in Workers, whose modules are ECMAScript's: CommonJS cannot load it, nor ever could.
  const modern = (problem: object): boolean =>
    !("resolutionKind" in problem) ||
    problem.resolutionKind === "bundler" ||
    problem.resolutionKind === "node16-esm";
  expect(result.problems.filter(modern)).toEqual([]);
});
