/**
 * Compiles the package that other Workers import, file by file, with its declarations, into
 * `dist/library`. `prepack` has it done when the package is packed.
 *
 * node scripts/build-library.mjs
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** Builds the library into a folder, by default the one that the package's exports name. */
export function buildLibrary(folder = join(REPOSITORY, "dist/library")) {
  rmSync(folder, { recursive: true, force: true });
  const typescript = createRequire(import.meta.url).resolve("typescript/package.json");
  execFileSync(
    process.execPath,
    [join(dirname(typescript), "bin/tsc"), "-p", "tsconfig.library.json", "--outDir", folder],
    { cwd: REPOSITORY, stdio: "inherit" },
  );
  // The compiler names the sources in declarations, and the compiled files in scripts alone.
  for (const path of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!path.endsWith(".d.ts")) continue;
    const file = join(folder, path);
    const text = readFileSync(file, "utf8");
    writeFileSync(file, text.replaceAll(/(["'])(\.\.?\/[^"']*)\.ts\1/g, "$1$2.js$1"));
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildLibrary();
