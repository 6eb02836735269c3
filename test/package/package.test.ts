import { execFile, execFileSync, spawnSync } from "node:child_process";
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
import { dirname, join, relative } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { checkPackage, Package } from "@arethetypeswrong/core";
import { build } from "esbuild";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { GITHUB_REPOSITORY } from "../../scripts/set-owner.mjs";
import { checkOut } from "../support/check-out.ts";

/** Of package-lock.json, which is too large to be typed. */
const lockFile = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../package-lock.json"), "utf8"),
) as { packages: Record<string, { dependencies?: Record<string, string> }> };
const MODULES = join(import.meta.dirname, "../../node_modules");

const folder = mkdtempSync(join(tmpdir(), "package-"));
const checkout = join(folder, "checkout");
/** An empty folder, into which npm installs the package: packed from a clone. */
const project = join(folder, "project");
const installed = join(project, "node_modules", packageJson.name);
/** What the installation printed. */
let printed = "";

/** The packages that the package needs at run time, with theirs, as this checkout has them. */
function listDependencies(): Record<string, string> {
  const names = new Set(Object.keys(packageJson.dependencies));
  for (const name of names) {
    const { dependencies } = lockFile.packages[`node_modules/${name}`] ?? {};
    for (const needed of Object.keys(dependencies ?? {})) names.add(needed);
  }
  return Object.fromEntries([...names].map((name) => [name, `file:${join(MODULES, name)}`]));
}

/** Those that a package needs in a version of its own: npm would look for them in its cache. */
function listNested(): Record<string, Record<string, string>> {
  const nested: Record<string, Record<string, string>> = {};
  for (const path of Object.keys(lockFile.packages)) {
    const [, outer, inner] =
      /^node_modules\/([^/]+(?:\/[^/]+)?)\/node_modules\/(.+)$/.exec(path) ?? [];
    if (outer === undefined || inner === undefined || inner.includes("/node_modules/")) continue;
    if (!(outer in listDependencies())) continue;
    nested[outer] = {
      ...nested[outer],
      [inner]: `file:${join(MODULES, outer, "node_modules", inner)}`,
    };
  }
  return nested;
}

/** Runs a program in the project, and returns what it prints on both outputs. */
function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, words, {
    cwd: project,
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  expect(status, `${program} ${words.join(" ")}: ${stdout}${stderr}`).toBe(0);
  return stdout + stderr;
}

/** Runs npm in the checkout, and returns what it prints. */
function runNpm(...words: string[]): string {
  return execFileSync("npm", ["--loglevel=error", ...words], { cwd: checkout, encoding: "utf8" });
}

/** The paths of the installed package's files. */
function listInstalled(): string[] {
  return readdirSync(installed, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(installed, join(entry.parentPath, entry.name)))
    .sort();
}

beforeAll(() => {
  checkOut(checkout);
  symlinkSync(MODULES, join(checkout, "node_modules"));
  runNpm("pack", "--pack-destination", folder);
  const packed = readdirSync(folder).find((name) => name.endsWith(".tgz")) ?? "";
  mkdirSync(project);
  const manifest = {
    private: true,
    dependencies: listDependencies(),
    overrides: listNested(),
  };
  writeFileSync(join(project, "package.json"), JSON.stringify(manifest));
  // Without the network. A dependency's own scripts would run in this checkout.
  const words = ["install", "--offline", "--install-links", "--ignore-scripts"];
  printed = run("npm", [...words, join(folder, packed)]);
  for (const name of ["@cloudflare/workers-types", "@types/node", "undici-types"]) {
    const link = join(project, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(MODULES, name), link);
  }
}, 120_000);

afterAll(() => rmSync(folder, { recursive: true }));

test("an install warns of nothing", () => {
  expect(printed).not.toMatch(/warn|deprecated|error/i);
});

test("nothing runs at an install, so that npm asks for no approval", () => {
  const text = readFileSync(join(installed, "package.json"), "utf8");
  const { scripts } = JSON.parse(text) as { scripts: Record<string, string> };
  const run = ["preinstall", "install", "postinstall", "prepare"];
  expect(run.filter((name) => name in scripts)).toEqual([]);
});

test("packing leaves package.json as it was", () => {
  expect(readFileSync(join(checkout, "package.json"), "utf8")).toBe(
    readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
  );
});

test("an install from Git has the same files, although npm runs only `prepare` in its clone", () => {
  rmSync(join(checkout, "dist"), { recursive: true });
  runNpm("run", "prepare");
  const [packed] = JSON.parse(runNpm("pack", "--ignore-scripts", "--dry-run", "--json")) as [
    { files: { path: string }[] },
  ];
  expect(packed.files.map(({ path }) => path).sort()).toEqual(listInstalled());
});

test("the package has the command line, the library, what people read, and nothing else", () => {
  const files = listInstalled();
  const library = files.filter((path) => path.startsWith("dist/library/"));
  expect(library.filter((path) => !/\.(?:js|d\.ts)$/.test(path))).toEqual([]);
  expect(files.filter((path) => !library.includes(path))).toEqual([
    "CHANGELOG.md",
    "LICENSE",
    "README.md",
    "dist/cli/durable-export.cjs",
    "package.json",
  ]);
});

test("npm runs the command line of an installed package", () => {
  expect(run("npx", ["--no-install", "durable-export", "--help"])).toContain(
    "Usage: durable-export",
  );
});

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
  expect(Object.keys(result.entrypoints)).toEqual([
    ".",
    "./client",
    "./hono",
    "./worker",
    "./package.json",
  ]);
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

test("the command line knows its version", () => {
  const command = join(installed, packageJson.bin["durable-export"]);
  const version = execFileSync(process.execPath, [command, "--version"], { encoding: "utf8" });
  expect(version.trim()).toBe(packageJson.version);
});

const WORKER = `
import type { ExportRequest, ExportRequestInput, ExportService } from "durable-export";
import { ExportClient } from "durable-export/client";
import { createApp } from "durable-export/hono";
export { startScheduledExports, withExport } from "durable-export";
export { default, Database, ExportJobs, ExportService, ExportWorkflow, ScratchDatabase } from "durable-export/worker";

const request: ExportRequestInput = { compression: "gzip", verify: "restore", tables: { exclude: ["tmp_*"] } };
export const start = (): Promise<Response> =>
  Promise.resolve(
    createApp().request("/export/dump", { method: "POST", body: JSON.stringify(request) }),
  );
export const bound = async (env: { EXPORTS: Service<ExportService>; HTTP: Fetcher }) => {
  const fetch = env.HTTP.fetch.bind(env.HTTP);
  const client = new ExportClient({ url: "https://export.example.com", token: "token", fetch });
  const { jobId } = await env.EXPORTS.start(request);
  return (await client.wait(jobId)).status === "completed";
};
// @ts-expect-error: a parsed request has what the input may leave out
export const parsed: ExportRequest = request;
// @ts-expect-error: there is no such format
export const wrong: ExportRequestInput = { format: "xml" };
`;

const PROGRAM = `
import { ExportApiError, ExportClient, type JobView } from "durable-export/client";

const client = new ExportClient({ url: "https://export.example.com", token: "token" });
export async function run(signal: AbortSignal): Promise<JobView | string> {
  try {
    const { jobId } = await client.start({ format: "csv" }, { signal });
    for await (const event of client.events(jobId)) {
      if (event.type === "end") return event.job;
    }
    // @ts-expect-error: there is no such state
    await client.list({ status: "done" });
    return "";
  } catch (error) {
    if (error instanceof ExportApiError) return error.hint ?? error.code;
    throw error;
  }
}
`;

const STRICTEST = { exactOptionalPropertyTypes: true, skipLibCheck: false };

test.each([
  ["a Worker", WORKER, { types: ["@cloudflare/workers-types"], skipLibCheck: true }],
  ["a Worker, strictly", WORKER, { types: ["@cloudflare/workers-types"], ...STRICTEST }],
  [
    "a Worker with Node's types",
    WORKER,
    // Both declare the web's globals.
    { types: ["@cloudflare/workers-types", "node"], skipLibCheck: true },
  ],
  ["a page", PROGRAM, { lib: ["es2024", "dom"], types: [], ...STRICTEST }],
  ["a program of Node", PROGRAM, { types: ["node"], ...STRICTEST }],
  ["a program in a Worker", PROGRAM, { types: ["@cloudflare/workers-types"], ...STRICTEST }],
])("the types check %s", (_, text, options) => {
  writeFileSync(join(project, "program.ts"), text);
  const compilerOptions = {
    module: "esnext",
    moduleResolution: "bundler",
    target: "es2024",
    lib: ["es2024"],
    strict: true,
    noEmit: true,
    ...options,
  };
  const config = { compilerOptions, files: ["program.ts"] };
  writeFileSync(join(project, "tsconfig.json"), JSON.stringify(config));
  run(process.execPath, [join(MODULES, "typescript/bin/tsc"), "-p", "."]);
});

test("every entry can be bundled for a Worker, and brings its dependencies", async () => {
  const result = await build({
    stdin: { contents: WORKER, resolveDir: project, loader: "ts" },
    bundle: true,
    write: false,
    format: "esm",
    external: ["cloudflare:*", "node:*"],
    logLevel: "silent",
  });
  expect([...result.warnings, ...result.errors]).toEqual([]);
});

test("the client runs in Node, has no dependency, and is small", async () => {
  const program = `import("durable-export/client").then((all) => console.log(Object.keys(all).join()))`;
  expect(run(process.execPath, ["-e", program]).trim()).toBe("ExportApiError,ExportClient");
  const { outputFiles, metafile } = await build({
    stdin: { contents: PROGRAM, resolveDir: project, loader: "ts" },
    bundle: true,
    write: false,
    minify: true,
    format: "esm",
    platform: "browser",
    metafile: true,
  });
  const inputs = Object.keys(metafile.inputs).filter((path) => path !== "<stdin>");
  expect(inputs.filter((path) => !path.includes("durable-export/dist/library/"))).toEqual([]);
  expect(gzipSync(outputFiles[0]?.contents ?? "").byteLength).toBeLessThan(3_000);
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
  const built = runNpm("run", "prepare");
  expect(built).toContain("no esbuild, so no command line is built");
  expect(built).toContain("no typescript, so no library is built");
  expect(readdirSync(checkout)).not.toContain("dist");
});
