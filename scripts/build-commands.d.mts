import type * as esbuild from "esbuild";

/** Builds the bundles into `folder`; default: the repository. */
export function buildCommands(
  bundler: Pick<typeof esbuild, "build">,
  folder?: string,
): Promise<void>;
