import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

import { readPage } from "../support/doc-blocks.ts";

const EXAMPLES = join(import.meta.dirname, "../../examples");

/** The programs that Node runs; wrangler compiles the Workers. */
const PROGRAMS = readdirSync(EXAMPLES, { recursive: true, encoding: "utf8" })
  // What `wrangler dev` leaves in a folder is no example.
  .filter((path) => !path.split("/").includes(".wrangler"))
  .filter((path) => /\.[cm]?[jt]s$/.test(path) && !path.endsWith("worker.ts"))
  .sort();

test("examples/README.md lists every program that Node runs, and no others", () => {
  const rows = readPage("examples/README.md").matchAll(/^\| `([\w./-]+)` +\| (.*?) *\|$/gm);
  expect([...rows].map(([, program]) => program)).toEqual(PROGRAMS);
});

describe.each(PROGRAMS)("%s", (path) => {
  const text = readFileSync(join(EXAMPLES, path), "utf8");

  test("starts with how to run it, and the Node that it needs", () => {
    const [header = ""] = /^(?:\/\/.*\n)+/.exec(text) ?? [];
    expect(header).toMatch(/^\/\/ {3}.*\bnode /m);
    expect(header).toMatch(path.endsWith(".ts") ? /22\.18 or newer/ : /Node 20 or newer/);
  });

  test.runIf(path.endsWith(".ts"))("runs with and without the flag of older versions", () => {
    for (const flags of [[], ["--experimental-strip-types"]]) {
      const { status, stderr } = spawnSync(process.execPath, [...flags, join(EXAMPLES, path)], {
        encoding: "utf8",
      });
      expect(stderr).toContain("usage: ");
      expect(status).toBe(2);
    }
  });
});
