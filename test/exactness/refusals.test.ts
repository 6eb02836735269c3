import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { ExportError } from "../../src/api/errors.ts";
import { dumpDatabase, type WholeDump } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

function databaseOf(script: string, length?: number): DatabaseSync {
  const db = openPlatformDatabase();
  db.exec(script);
  if (length !== undefined) db.limits.length = length;
  return db;
}

/** `db` with every `XXXX` of its file replaced by bytes that no UTF-8 text holds. */
function withInvalidBytes(db: DatabaseSync): DatabaseSync {
  const file = Buffer.from(db.serialize());
  for (let at = file.indexOf("XXXX"); at >= 0; at = file.indexOf("XXXX")) {
    file.write("fffefdfc", at, "hex");
  }
  const changed = new DatabaseSync(":memory:");
  changed.deserialize(file);
  return changed;
}

async function refusalOf(work: Promise<WholeDump>): Promise<ExportError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof ExportError) return error;
    throw error;
  }
  throw new Error("the dump was not refused");
}

describe("a dump is refused, never wrong,", () => {
  test.each([
    ["a table's name", `CREATE TABLE "XXXX"(a)`],
    ["a column's name", `CREATE TABLE t("XXXX")`],
    ["a DEFAULT", `CREATE TABLE t(a DEFAULT 'XXXX')`],
    ["an index", `CREATE TABLE t(a); CREATE INDEX i ON t(a) WHERE a <> 'XXXX'`],
    ["a trigger", `CREATE TABLE t(a); CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 'XXXX'; END`],
  ])("where %s is not valid UTF-8", async (_, script) => {
    const refusal = await refusalOf(
      dumpDatabase(nodeSqliteSource(withInvalidBytes(databaseOf(script)))),
    );
    expect(refusal.code).toBe("catalog-unreadable");
  });

  test("where a value is too large to be read, naming the table and the key before it", async () => {
    const db = databaseOf(
      `CREATE TABLE "large; table"(id INTEGER PRIMARY KEY, v);
       INSERT INTO "large; table" VALUES (41, 'small'), (42, zeroblob(900000))`,
      500_000,
    );
    const refusal = await refusalOf(dumpDatabase(nodeSqliteSource(db)));
    expect(refusal.code).toBe("value-not-exportable");
    expect(refusal.message).toContain('"large; table"');
    expect(refusal.message).toContain("41");
  });

  test("where a large table hides all names of its rowid and has no key", async () => {
    const db = databaseOf(
      `CREATE TABLE hidden(rowid, _rowid_, oid);
       WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
       INSERT INTO hidden SELECT i, hex(zeroblob(10000)), NULL FROM n`,
    );
    const refusal = await refusalOf(dumpDatabase(nodeSqliteSource(db)));
    expect(refusal.code).toBe("table-not-pageable");
    expect(refusal.message).toContain('"hidden"');
  });

  test("where a key has more columns than a query can give back", async () => {
    const columns = Array.from({ length: 60 }, (_, n) => `c${n}`).join(", ");
    const db = databaseOf(
      `CREATE TABLE wide(${columns}, PRIMARY KEY (${columns})) WITHOUT ROWID; INSERT INTO wide(c0) SELECT 1 WHERE 0`,
    );
    const refusal = await refusalOf(dumpDatabase(nodeSqliteSource(db)));
    expect(refusal.code).toBe("table-not-pageable");
    expect(refusal.message).toContain('"wide"');
  });
});
