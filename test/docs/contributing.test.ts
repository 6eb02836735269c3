import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import packageJson from "../../package.json" with { type: "json" };
import { findTranslated } from "./plain-english.ts";

const REPOSITORY = join(import.meta.dirname, "../..");

const read = (path: string): string => readFileSync(join(REPOSITORY, path), "utf8");

/**
 * Returns the paths in backticks that lead nowhere. A path starts at the root or at `src/`; a single name, such as
 * `tables/`, may be anywhere.
 */
function findMissingPaths(markdown: string): string[] {
  const codes = [...markdown.replaceAll(/^```[^]*?^```/gm, "").matchAll(/`([^`\s]+)`/g)];
  const paths = codes
    .map(([, code = ""]) => code)
    .filter((code) => /^\.?[a-z]/i.test(code) && !/[^\w./-]/.test(code))
    .filter((code) => /\.(?:ts|mts|mjs|cjs|js|md|yml|jsonc?)$/.test(code) || code.includes("/"))
    .filter((code) => !/^[A-Z/]+$/.test(code));
  return paths.filter((path) => {
    const name = path.replace(/\/$/, "");
    const places = name.includes("/")
      ? [name, `src/${name}`]
      : [name, `{.ci,.github,src,test}/**/${name}`];
    return places.every((place) => globSync(place, { cwd: REPOSITORY }).length === 0);
  });
}

test.each(["CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md", "docs/maintaining.md"])(
  "every path that %s names exists",
  (page) => {
    expect(findMissingPaths(read(page))).toEqual([]);
  },
);

test("a path that leads nowhere is found", () => {
  const page =
    "`src/lib`, `api/errors.ts`, `tables/`, `arrows.ts`, `.ci/run`, `npm run x`, `OWNER/REPO`, `/health`";
  expect(findMissingPaths(page)).toEqual([]);
  expect(findMissingPaths("`src/lob`, `api/error.ts`, `chairs/`, `arrow.ts`")).toEqual([
    "src/lob",
    "api/error.ts",
    "chairs/",
    "arrow.ts",
  ]);
});

test("CONTRIBUTING.md has the checklists that architecture and contracts call for", () => {
  const headings = [...read("CONTRIBUTING.md").matchAll(/^### (.*)$/gm)].map(
    ([, heading]) => heading,
  );
  expect(headings).toEqual(["Add a source", "Add a store", "Add a format", "Add a step"]);
});

test("CONTRIBUTING.md names every contract suite that an adapter runs", () => {
  const suites = globSync("test/contract/*.ts", { cwd: REPOSITORY })
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.endsWith(".test.ts") && !path.endsWith("/send-callback.ts"));
  const text = read("CONTRIBUTING.md");
  expect(suites.filter((path) => !text.includes(`\`${path}\``))).toEqual([]);
});

test("the table of CONTRIBUTING.md names only scripts that package.json has", () => {
  const named = [...read("CONTRIBUTING.md").matchAll(/`npm run ([\w:]+)/g)].map(
    ([, name = ""]) => name,
  );
  expect(named.length).toBeGreaterThan(10);
  expect(named.filter((name) => !Object.hasOwn(packageJson.scripts, name))).toEqual([]);
});

describe("README.md's badges", () => {
  const badges = [...read("README.md").matchAll(/img\.shields\.io\/badge\/([^)]+)\)/g)].map(
    ([, badge = ""]) => decodeURIComponent(badge),
  );

  test("are the license and the Node version that package.json states", () => {
    expect(badges.map((badge) => badge.replace(/-\w+$/, ""))).toEqual([
      `license-${packageJson.license}`,
      `node-${packageJson.engines.node}`,
    ]);
  });
});

test.each([
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CODE_OF_CONDUCT.md",
  "docs/maintaining.md",
  ".changeset/README.md",
  ...globSync(".github/**/*.{md,yml}", { cwd: REPOSITORY }),
])("%s contains no phrase that reads as a translation", (page) => {
  expect(findTranslated(read(page))).toEqual([]);
});
