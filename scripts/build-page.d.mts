import type * as esbuild from "esbuild";

/** The path of the built page, from the repository's root. */
export const BUILT_PAGE: string;

/** Returns the text of the built page, a TypeScript module. */
export function buildPage(bundler: Pick<typeof esbuild, "build">): Promise<string>;
