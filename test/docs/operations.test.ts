import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { ERRORS } from "../../src/api/error-codes.ts";

const docs = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");

test("docs/operations.md has every error code with its status and remedy, and no others", () => {
  const rows = [...docs.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\| [^|]+ \| (.+?) +\|$/gm)].map(
    ([, code, status, remedy]) => ({ code, status: Number(status), hint: remedy }),
  );
  expect(rows).toEqual(
    Object.entries(ERRORS).map(([code, { status, hint }]) => ({ code, status, hint })),
  );
});

test("docs/operations.md has every message that the Worker logs, and no others", () => {
  const root = new URL("../../src/", import.meta.url);
  const sources = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
    .map((path) => readFileSync(new URL(path, root), "utf8"));
  const logged = sources.flatMap((text) =>
    [...text.matchAll(/console\.\w+\(\s*\{\s*message: ["`]([^"`:]+)/g)].map(
      ([, message]) => message,
    ),
  );
  const calls = sources.flatMap((text) => text.match(/console\.\w+\(/g) ?? []);
  expect(logged).toHaveLength(calls.length);
  const table = docs.slice(docs.indexOf("| message "), docs.indexOf("## What happens by itself"));
  const listed = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, message]) => message);
  expect(new Set(listed)).toEqual(new Set(logged));
});
