import { execFile, execFileSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { checkPackage, Package } from "@arethetypeswrong/core";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { GITHUB_REPOSITORY } from "../../scripts/set-owner.mjs";
import { checkOut } from "../support/check-out.ts";

const MODULES = join(import.meta.dirname, "../../node_modules");

const folder = mkdtempSync(join(tmpdir(), "package-"));
const checkout = join(folder, "checkout");
/** The package as npm installs it: packed from a clone in which only `prepare` has run. */
const installed = join(folder, "node_modules", packageJson.name);

/** Runs npm as an install from Git does in its clone, and returns what it prints. */
function runNpm(...words: string[]): string {
  return execFileSync("npm", ["--loglevel=error", ...words], { cwd: checkout, encoding: "utf8" });
}

beforeAll(() => {
  checkOut(checkout);
  symlinkSync(MODULES, join(checkout, "node_modules"));
  // An install from Git runs no other script of the package.
  expect(packageJson.scripts).not.toHaveProperty("prepack");
  runNpm("pack", "--pack-destination", folder);
  mkdirSync(installed, { recursive: true });
  const packed = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  const words = ["-xzf", join(folder, packed), "-C", installed, "--strip-components=1"];
  execFileSync("tar", words);
  const dependencies = Object.keys(packageJson.dependencies);
  for (const name of [...dependencies, "@cloudflare/workers-types", "@types/node"]) {
    const link = join(folder, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(MODULES, name), link);
  }
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test("publint finds nothing wrong with the package", async () => {
  const { messages } = await publint({ pkgDir: installed, pack: false, strict: true });
  expect(messages.map((message) => formatMessage(message, packageJson))).toEqual([]);
});

test("every entry has its types, for bundlers and for Node's own resolution of modules", async () => {
  const files: Record<string, Uint8Array> = {};
  for (const path of readdirSync(installed, { recursive: true, encoding: "utf8" })) {
    if (/\.(?:js|json|d\.ts)$/.test(path)) {
      files[`/node_modules/durable-export/${path}`] = readFileSync(join(installed, path));
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

test("docs/library.md installs the repository, or the tarball that `npm pack` makes", () => {
  const page = readFileSync(join(import.meta.dirname, "../../docs/library.md"), "utf8");
  const [, url, tarball = ""] =
    /^npm install (git\S+)\nnpm install \.\.\/durable-export\/(\S+)$/m.exec(page) ?? [];
  expect(url).toBe(`git+https://github.com/${GITHUB_REPOSITORY}`);
  expect(globSync(tarball, { cwd: folder })).toHaveLength(1);
});

test("an install from Git has the command line", () => {
  const command = join(installed, packageJson.bin["durable-export"]);
  const version = execFileSync(process.execPath, [command, "--version"], { encoding: "utf8" });
  expect(version.trim()).toBe(packageJson.version);
});

test("an install from Git has the library, whose types check a Worker", () => {
  const worker = `
    import type { ExportRequest, ExportRequestInput } from "durable-export";
    import { createApp } from "durable-export/hono";
    export { default, ExportJobs, ExportWorkflow } from "durable-export/worker";

    const request: ExportRequestInput = { compression: "gzip", tables: { exclude: ["tmp_*"] } };
    export const start = (): Promise<Response> =>
      Promise.resolve(
        createApp().request("/export/dump", { method: "POST", body: JSON.stringify(request) }),
      );
    // @ts-expect-error: a parsed request has what the input may leave out
    export const parsed: ExportRequest = request;
    // @ts-expect-error: there is no such format
    export const wrong: ExportRequestInput = { format: "xml" };
  `;
  writeFileSync(join(folder, "worker.ts"), worker);
  const compilerOptions = {
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2024",
    lib: ["es2024"],
    types: ["@cloudflare/workers-types", "node"],
    strict: true,
    noEmit: true,
    skipLibCheck: true,
  };
  const config = { compilerOptions, files: ["worker.ts"] };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
  const compiler = join(MODULES, "typescript/bin/tsc");
  execFileSync(process.execPath, [compiler, "-p", folder], { encoding: "utf8" });
});

test("a build leaves the library readable, and removes files that are gone", async () => {
  const library = join(checkout, "dist/library");
  writeFileSync(join(library, "gone.js"), "");
  const build = promisify(execFile)("npm", ["run", "build:library"], { cwd: checkout });
  const end = build.then(() => "ended");
  do {
    expect(existsSync(join(library, "library.js"))).toBe(true);
  } while ((await Promise.race([end, sleep(2, "building")])) === "building");
  expect(readdirSync(library)).not.toContain("gone.js");
  expect(readdirSync(join(checkout, "dist")).sort()).toEqual(["cli", "library"]);
});

test("an install without development dependencies builds nothing, and succeeds", () => {
  rmSync(join(checkout, "node_modules"));
  rmSync(join(checkout, "dist"), { recursive: true });
  const printed = runNpm("run", "prepare");
  expect(printed).toContain("no esbuild, so no command line is built");
  expect(printed).toContain("no typescript, so no library is built");
  expect(readdirSync(checkout)).not.toContain("dist");
});
