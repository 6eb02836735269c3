import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { digestCatalog, readCatalog } from "../../src/reading/read-catalog.ts";
import { checkExactness } from "../support/check-exactness.ts";
import { checkPlatform } from "../support/check-platform.ts";
import { freezeDatabase } from "../support/frozen-database.ts";
import { NAME_DATABASES } from "../support/name-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { Platform } from "../support/platform.ts";

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");

/** Throws unless `warnings` are just what a database is warned about. */
function expectWarnings(warnings: string[], expected: RegExp | undefined): void {
  if (expected === undefined) expect(warnings).toEqual([]);
  else expect(warnings.join("\n")).toMatch(expected);
}

test.each(NAME_DATABASES)("$title", async ({ script, contains, warning }) => {
  const source = openPlatformDatabase();
  for (const statement of script) source.exec(statement);
  const { differences, dump } = await checkExactness(source, 7);
  for (const text of contains) expect(textOf(dump.bytes)).toContain(text);
  expect(differences).toEqual([]);
  expectWarnings(dump.warnings, warning);
});

test.each(NAME_DATABASES)("in a snapshot, $title", async ({ script, contains }) => {
  const frozen = await freezeDatabase(script.join(";"));
  const dump = await frozen.dump();
  expect(dump).toBe(frozen.expected);
  for (const text of contains) expect(dump).toContain(text);
  expect(frozen.opened.warnings).toEqual([]);
});

describe("in a Durable Object of the runtime, restored into another and into D1", () => {
  let platform: Platform;

  beforeAll(async () => {
    platform = await Platform.start(NAME_DATABASES.length);
  }, 60_000);

  afterAll(() => platform.stop());

  test.each(NAME_DATABASES)("$title", async ({ title, script, contains, warning }) => {
    const checked = await checkPlatform(platform, { name: title, script, seed: 7, d1: true });
    expect(checked.refused).toEqual([]);
    expect(checked.differences).toEqual([]);
    for (const text of contains) expect(textOf(checked.dump.bytes)).toContain(text);
    expectWarnings(checked.dump.warnings, warning);
  });
});

test("leaves out the staging table that a broken load of a dump has left", async () => {
  const source = openPlatformDatabase();
  source.exec(`CREATE TABLE t(a); CREATE TABLE "tmp_export_stage"(c INTEGER, n INTEGER, s);
    CREATE TABLE "tmp_export_stage_2"(c INTEGER, n INTEGER, s)`);
  const { bytes, catalog } = await dumpDatabase(nodeSqliteSource(source));
  expect(catalog.tables.map(({ name }) => name)).toEqual(["t"]);
  expect(textOf(bytes)).not.toContain("tmp_export_stage");
});

test("a catalog's digest outlives the flag that a dropped FTS5 table leaves on its content", async () => {
  const path = join(mkdtempSync(join(tmpdir(), "names-")), "db.sqlite");
  let db = openPlatformDatabase(path);
  db.exec(`CREATE TABLE posts_content(id INTEGER PRIMARY KEY, a);
    CREATE VIRTUAL TABLE posts USING fts5(a, content='posts_content', content_rowid='id');
    DROP TABLE posts`);
  const before = await readCatalog(nodeSqliteSource(db));
  db.close();
  db = openPlatformDatabase(path);
  const after = await readCatalog(nodeSqliteSource(db));
  db.close();
  rmSync(dirname(path), { recursive: true });
  expect(before.tables).toMatchObject([{ name: "posts_content", shadowNamed: true }]);
  expect(after.tables[0]?.shadowNamed).toBeUndefined();
  expect(await digestCatalog(after)).toBe(await digestCatalog(before));
});

test("a catalog's digest stays when a program writes its first entry of a key-value storage that SQL cannot read", async () => {
  const db = openPlatformDatabase();
  db.exec("CREATE TABLE t(a)");
  const source = nodeSqliteSource(db);
  const before = await readCatalog(source);
  db.exec("CREATE TABLE _cf_KV(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID");
  const after = await readCatalog(source);
  expect(after.keyValues).toBe("unreadable");
  expect(await digestCatalog(after)).toBe(await digestCatalog(before));
});
