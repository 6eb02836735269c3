import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { restoreDump } from "./restore.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "durable-export-restore-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function restore(script: string, signal = new AbortController().signal) {
  const [dumpPath, databasePath] = [join(folder, "dump.sql"), join(folder, "restored.sqlite")];
  writeFileSync(dumpPath, script);
  let bytes = 0;
  const onBytes = (done: number) => {
    bytes = done;
  };
  const db = await restoreDump({ dumpPath, databasePath }, { onBytes, signal });
  const rows = db.prepare("SELECT * FROM t").all();
  db.close();
  return { rows, bytes };
}

test("restores rows that break a CHECK, in place of an older file", async () => {
  const script = "CREATE TABLE t (a CHECK (a > 0));\nINSERT INTO t VALUES (-1);\n";
  await restore(script);
  expect(await restore(script)).toEqual({ rows: [{ a: -1 }], bytes: script.length });
});

test("names the statement that fails, and its line", async () => {
  const script =
    "CREATE TABLE t (a UNIQUE);\nINSERT INTO t VALUES (1);\nINSERT INTO t VALUES (1);\n";
  await expect(restore(script)).rejects.toThrow(
    "statement 3 (line 3) `INSERT INTO t VALUES (1);`: UNIQUE constraint failed: t.a",
  );
});

test("ends with the signal's reason when it is interrupted", async () => {
  await expect(restore("CREATE TABLE t (a);", AbortSignal.abort())).rejects.toThrow("aborted");
});
