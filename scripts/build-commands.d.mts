import type * as esbuild from "esbuild";

/** Builds bundles, by default all, into a folder, by default the repository. */
export function buildCommands(
  bundler: Pick<typeof esbuild, "build">,
  options?: { folder?: string; names?: ("cli" | "action")[] },
): Promise<void>;
