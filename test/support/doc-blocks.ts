import { globSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const REPOSITORY = join(import.meta.dirname, "..", "..");

/** A fenced block of a page, without the indentation of the list that contains it. */
export interface DocBlock {
  language: string;
  text: string;
}

/** The page of each example, by its path in the repository. */
export const EXAMPLE_PAGES: readonly string[] = globSync("examples/*/README.md", {
  cwd: REPOSITORY,
})
  .map((path) => path.replaceAll("\\", "/"))
  .sort();

/** Every page that says what to run, by its path in the repository. */
export const DOC_PAGES: readonly string[] = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CODE_OF_CONDUCT.md",
  "examples/README.md",
  ...EXAMPLE_PAGES,
  ...readdirSync(join(REPOSITORY, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

export function readPage(page: string): string {
  return readFileSync(join(REPOSITORY, page), "utf8");
}

export function blocksOf(page: string): DocBlock[] {
  return [...readPage(page).matchAll(/^( *)```(\w*)\n([\s\S]*?)^ *```$/gm)].map(
    ([, indent = "", language = "", text = ""]) => ({
      language,
      text: text.replaceAll(new RegExp(`^${indent}`, "gm"), ""),
    }),
  );
}

const PROGRAMS = "npm|npx|node|wrangler|durable-export|git|curl|openssl";

/**
 * Commands within a page's sentences, as words; commands joined by `&&` are returned one by one.
 */
export function proseCommandsOf(page: string): string[][] {
  const prose = readPage(page).replaceAll(/^( *)```[\s\S]*?^ *```$/gm, "");
  return [...prose.matchAll(new RegExp(`\`((?:${PROGRAMS}) [^\`]+)\``, "g"))].flatMap(
    ([, command = ""]) => command.split(" && ").map((each) => each.trim().split(/\s+/)),
  );
}
