/**
 * Bundles the page that the Worker serves at `GET /` into src/routes/page/built-page.ts, which is kept in Git: a
 * Worker is deployed from its sources, also by an install without development dependencies, and the library is
 * compiled from them.
 *
 * node scripts/build-page.mjs
 */
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("..", import.meta.url));

/** The path of the built page, from the repository's root. */
export const BUILT_PAGE = "src/routes/page/built-page.ts";

/** Returns the text of the built page: the document, and what the policy and the cache need to know of it. */
export async function buildPage(bundler) {
  const { outputFiles } = await bundler.build({
    absWorkingDir: REPOSITORY,
    entryPoints: ["page/main.tsx", "page/styles/page.css"],
    outdir: "page/out",
    write: false,
    bundle: true,
    minify: true,
    format: "iife",
    platform: "browser",
    target: ["chrome123", "firefox120", "safari17.5"],
    tsconfig: "page/tsconfig.json",
    legalComments: "none",
    charset: "ascii",
    logLevel: "warning",
  });
  const read = (end) => outputFiles.find(({ path }) => path.endsWith(end)).text.trim();
  const [script, style] = [read(".js"), read(".css")];
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style)) {
    throw new Error("the page's script or style contains the end of its own element");
  }
  const html = readFileSync(join(REPOSITORY, "page/page.html"), "utf8")
    .replace("<style></style>", () => `<style>${style}</style>`)
    .replace("<script></script>", () => `<script>${script}</script>`);
  const page = {
    html,
    scriptHash: hashForPolicy(script),
    styleHash: hashForPolicy(style),
    etag: `"${createHash("sha256").update(html).digest("hex").slice(0, 32)}"`,
  };
  return [
    "/** The page, as `npm run build` makes it from the folder page/. Edit that folder. */",
    "export const PAGE: { html: string; scriptHash: string; styleHash: string; etag: string } =",
    `  ${JSON.stringify(page)};`,
    "",
  ].join("\n");
}

function hashForPolicy(text) {
  return `sha256-${createHash("sha256").update(text).digest("base64")}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(join(REPOSITORY, BUILT_PAGE), await buildPage(await import("esbuild")));
}
