import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterEach, beforeEach, expect, test } from "vitest";

import { restoreDump } from "./restore-dump.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "place-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The message with which a script fails to load. */
async function failureOf(script: string): Promise<string> {
  const path = join(folder, "x.sql");
  writeFileSync(path, script);
  const options = { signal: new AbortController().signal, onBytes: () => undefined };
  const error: unknown = await restoreDump(path, [], options).catch((caught: unknown) => caught);
  return error instanceof Error ? error.message : "it loaded";
}

test("a failed restore names the statement, its line, its text and SQLite's message", async () => {
  const script =
    "CREATE TABLE t(a INTEGER PRIMARY KEY);\n-- two\nINSERT INTO t VALUES(1),\n(2);\n\nINSERT INTO t VALUES(2);\n";
  expect(await failureOf(script)).toContain(
    "statement 3 (line 6) `INSERT INTO t VALUES(2);`: UNIQUE constraint failed: t.a",
  );
});

test("a failed restore shows at most 200 characters of the statement, on one line", async () => {
  const message = await failureOf(`SELECT '${"x\n".repeat(5_000)}' FROM missing;`);
  expect(message).toContain("…`: no such table: missing");
  expect(message).not.toContain("\n");
  expect(message.length).toBeLessThan(500);
});
