/**
 * Bundles the command line and the GitHub Action, each into one file that plain Node runs without
 * anything installed. Runs as `prepare`, so after every `npm ci` of a checkout, and when the package
 * is packed. JavaScript, because it must run on the oldest Node that the package allows.
 */
import { chmodSync } from "node:fs";
import { fileURLToPath } from "node:url";

export const BUNDLES = [
  { entry: "cli/main.ts", outfile: "dist/cli/durable-export.cjs", target: "node20" },
  { entry: "action/main.ts", outfile: "action/dist/main.cjs", target: "node24" },
];

/** Builds the bundles into `folder`; default: the repository. */
export async function buildCommands(esbuild, folder = ".") {
  const repository = fileURLToPath(new URL("..", import.meta.url));
  for (const { entry, outfile, target } of BUNDLES) {
    const out = `${folder}/${outfile}`;
    await esbuild.build({
      absWorkingDir: repository,
      entryPoints: [entry],
      outfile: out,
      bundle: true,
      platform: "node",
      format: "cjs",
      target,
      banner: { js: "#!/usr/bin/env node" },
      legalComments: "inline",
      logLevel: "warning",
    });
    chmodSync(folder === "." ? `${repository}/${outfile}` : out, 0o755);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const esbuild = await import("esbuild").catch(() => undefined);
  // `npm ci --omit=dev` has no bundler, and needs none: it wants the Worker alone.
  if (esbuild === undefined) console.log("durable-export: no esbuild, so no command line is built");
  else await buildCommands(esbuild);
}
