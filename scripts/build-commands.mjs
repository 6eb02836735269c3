/**
 * Bundles the command line and the GitHub Action, each into one file that plain Node runs without
 * anything installed. `prepare` builds the command line after every `npm ci` of a checkout, and
 * when the package is packed. The Action's bundle is kept in Git, since a runner only checks out.
 * This is JavaScript, because it must run on the oldest Node that the package allows.
 *
 * node scripts/build-commands.mjs [cli | action]
 */
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const BUNDLES = {
  cli: { entry: "cli/main.ts", file: "dist/cli/durable-export.cjs", target: "node20" },
  action: { entry: "action/main.ts", file: "action/dist/main.cjs", target: "node24" },
};

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** Builds bundles, by default all, into a folder, by default the repository. */
export async function buildCommands(
  bundler,
  { folder = REPOSITORY, names = Object.keys(BUNDLES) } = {},
) {
  for (const name of names) {
    const { entry, file, target } = BUNDLES[name];
    const { outputFiles } = await bundler.build({
      absWorkingDir: REPOSITORY,
      entryPoints: [entry],
      write: false,
      bundle: true,
      platform: "node",
      format: "cjs",
      // jsonc-parser's main file loads its parts in a way that cannot be bundled.
      mainFields: ["module", "main"],
      target,
      banner: { js: "#!/usr/bin/env node" },
      // Removes the comments of the bundled code, but not its licenses.
      minifyWhitespace: true,
      legalComments: "inline",
      logLevel: "warning",
    });
    const path = join(folder, file);
    mkdirSync(dirname(path), { recursive: true });
    // A process that runs the bundle during the build reads the old one or the new one, never a
    // mix.
    writeFileSync(`${path}.tmp`, outputFiles[0].contents);
    chmodSync(`${path}.tmp`, 0o755);
    renameSync(`${path}.tmp`, path);
  }
  if (names.includes("action")) writeFileSync(join(folder, "action/action.yml"), actionFile());
}

/**
 * The Action's metadata at its first path, `uses: OWNER/REPO/action@v1`. The Marketplace and the
 * short form read action.yml at the root, which people edit. Only the path of the bundle differs.
 */
function actionFile() {
  const text = readFileSync(join(REPOSITORY, "action.yml"), "utf8");
  const note = "# Written from ../action.yml by `npm run build`. Edit that file.\n";
  return note + text.replace("main: action/dist/main.cjs", "main: dist/main.cjs");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bundler = await import("esbuild").catch(() => undefined);
  const names = process.argv.slice(2);
  // `npm ci --omit=dev` has no bundler and needs none: it only needs the Worker.
  if (bundler === undefined) console.log("durable-export: no esbuild, so no command line is built");
  else await buildCommands(bundler, names.length === 0 ? {} : { names });
}
