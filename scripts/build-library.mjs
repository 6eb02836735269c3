/**
 * Compiles the package that other Workers import, file by file, with its declarations, into
 * `dist/library`. `prepare` runs it after every `npm ci` of a checkout, when the package is packed,
 * and when it is installed from Git. This is JavaScript, because it must run on the oldest Node
 * that the package allows.
 *
 * node scripts/build-library.mjs
 */
import { execFileSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** The compiler's script; undefined if it is not installed. */
function findCompiler() {
  try {
    const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
    return join(dirname(typescript), "bin/tsc");
  } catch {
    return undefined;
  }
}

/** Builds the library into a folder, by default the one that the package's exports name. */
export function buildLibrary(folder = join(REPOSITORY, "dist/library")) {
  const compiler = findCompiler();
  if (compiler === undefined) throw new Error("typescript is not installed: run npm ci");
  mkdirSync(folder, { recursive: true });
  const built = mkdtempSync(`${folder}-`);
  try {
    const words = ["-p", "tsconfig.library.json", "--outDir", built];
    execFileSync(process.execPath, [compiler, ...words], { cwd: REPOSITORY, stdio: "inherit" });
    const files = filesIn(built);
    for (const path of files) {
      // In declarations, the compiler names the sources; only scripts name the compiled files.
      if (path.endsWith(".d.ts")) nameCompiledFiles(join(built, path));
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      // A process that reads the library during the build finds the old file or the new one, never
      // a mix.
      renameSync(join(built, path), join(folder, path));
    }
    for (const path of filesIn(folder)) if (!files.includes(path)) rmSync(join(folder, path));
  } finally {
    rmSync(built, { recursive: true });
  }
}

function filesIn(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath ?? entry.path, entry.name)));
}

function nameCompiledFiles(file) {
  const text = readFileSync(file, "utf8");
  writeFileSync(file, text.replaceAll(/(["'])(\.\.?\/[^"']*)\.ts\1/g, "$1$2.js$1"));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // `npm ci --omit=dev` has no compiler and needs none: it deploys the Worker from its sources.
  if (findCompiler() === undefined) {
    console.log("durable-export: no typescript, so no library is built");
  } else {
    buildLibrary();
  }
}
