import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import type { TablePatterns } from "../../src/api/export-request.ts";
import { comparisonOf } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase, type WholeDump } from "../support/dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { restoreStatements, statementsOf } from "../support/restore-dump.ts";
import { type Trap, TRAPS } from "../support/traps.ts";

const UNCUT = { isTooBig: () => false, isChunkEnd: () => false };

const SHOP = [
  `CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)`,
  `CREATE TABLE orders(id INTEGER PRIMARY KEY, customer REFERENCES customers(id), note)`,
  `CREATE TABLE order_lines(orders REFERENCES orders(id), sku, PRIMARY KEY (orders, sku)) WITHOUT ROWID`,
  `CREATE TABLE "audit log"(at, what)`,
  `CREATE INDEX orders_customer ON orders(customer)`,
  `CREATE INDEX audit_at ON "audit log"(at)`,
  `CREATE VIEW open_orders AS SELECT o.id, c.name FROM orders o JOIN [Customers] c ON c.id = o.customer`,
  `CREATE TRIGGER orders_audit AFTER INSERT ON orders BEGIN INSERT INTO "audit log" VALUES (1, NEW.id); END`,
  `CREATE VIRTUAL TABLE notes USING fts5(note, content='orders', content_rowid='id')`,
  `INSERT INTO customers VALUES (7, 'Ada'), (9, 'Bo')`,
  `INSERT INTO orders VALUES (1, 7, 'red'), (2, 9, 'blue')`,
  `INSERT INTO order_lines VALUES (1, 'a'), (1, 'b'), (2, 'a')`,
  `INSERT INTO notes(notes) VALUES ('rebuild')`,
];

function databaseOf(script: readonly string[]): DatabaseSync {
  const db = openPlatformDatabase();
  for (const statement of script) db.exec(statement);
  return db;
}

function dumpOf(tables: TablePatterns): Promise<WholeDump> {
  return dumpDatabase(nodeSqliteSource(databaseOf(SHOP)), UNCUT, { tables });
}

function objectsOf(db: DatabaseSync): string[] {
  return db
    .prepare(
      `SELECT name FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
         AND name NOT LIKE 'notes_%' ORDER BY name`,
    )
    .all()
    .map((row) => String(row["name"]));
}

async function refusalOf(tables: TablePatterns): Promise<ExportError> {
  try {
    await dumpOf(tables);
  } catch (error) {
    if (error instanceof ExportError) return error;
    throw error;
  }
  throw new Error("the patterns were accepted");
}

describe("patterns of tables", () => {
  test("choose tables and views with their indexes and triggers, whatever their letters' case", async () => {
    const { bytes, warnings } = await dumpOf({ include: ["ORDER*", "cust*"] });
    expect(objectsOf(restoreStatements(bytes))).toEqual([
      "customers",
      "order_lines",
      "orders",
      "orders_audit",
      "orders_customer",
    ]);
    expect(warnings).toEqual([
      'trigger "orders_audit" refers to "audit log", which is not in the dump',
    ]);
  });

  test("leave out what they exclude, and warn of what refers to it", async () => {
    const { bytes, warnings } = await dumpOf({ exclude: ["customers"] });
    expect(statementsOf(bytes).join("")).not.toContain("CREATE TABLE customers");
    expect(warnings).toEqual([
      'view "open_orders" refers to "customers", which is not in the dump',
      'table "orders" references "customers", which is not in the dump: its rows load only if foreign keys are not enforced',
    ]);
    expect(new TextDecoder().decode(bytes)).not.toContain("sqlite_sequence");
  });

  test("warn of an FTS5 table whose content they leave out", async () => {
    const { bytes, warnings } = await dumpOf({ include: ["notes"] });
    expect(objectsOf(restoreStatements(bytes))).toEqual(["notes"]);
    expect(warnings).toEqual([
      'virtual table "notes" refers to "orders", which is not in the dump',
      'FTS5 table "notes" keeps no content, and "orders" is not in the dump: it is restored empty',
    ]);
  });

  test("hold every row of the tables they choose", async () => {
    const { bytes } = await dumpOf({ include: ["*"], exclude: ["audit*", "open_*", "notes"] });
    const restored = restoreStatements(bytes);
    expect(restored.prepare("SELECT count(*) AS n FROM order_lines").get()).toEqual({ n: 3 });
    expect(restored.prepare("SELECT seq FROM sqlite_sequence").get()).toEqual({ seq: 9 });
  });

  test.each([
    [{ include: ["costumers"] }, 'no table or view matches "costumers"; near names: "customers"'],
    [
      { include: ["orders", "order"] },
      'no table or view matches "order"; near names: "orders", "order_lines", "open_orders"',
    ],
    [{ exclude: ["xyz*"] }, 'no table or view matches "xyz*"; the nearest name is "notes"'],
    [
      { include: ["'; DROP TABLE orders; --"] },
      `no table or view matches "'; DROP TABLE orders; --"; the nearest name is `,
    ],
    [{ include: ["notes_data"] }, 'no table or view matches "notes_data"; '],
    [{ include: ["sqlite_sequence"] }, 'no table or view matches "sqlite_sequence"; '],
    [{ include: ["orders"], exclude: ["o*"] }, "the patterns of `tables` leave nothing to export"],
  ])("that match nothing are refused with near names: %j", async (tables, words) => {
    const { code, message } = await refusalOf(tables);
    expect(code).toBe("table-not-found");
    expect(message).toContain(words);
  });

  test("that match nothing in an empty database say so", async () => {
    const empty = nodeSqliteSource(openPlatformDatabase());
    await expect(dumpDatabase(empty, UNCUT, { tables: { include: ["a"] } })).rejects.toThrow(
      'no table or view matches "a"; the database has no table',
    );
  });
});

/** Traps whose rows cannot be loaded behind their schema, as a warning of the dump says. */
const isBound = (trap: Trap): boolean =>
  trap.script.some((statement) => /CREATE TRIGGER|CREATE TABLE docs_content/i.test(statement));

describe("content", () => {
  test.each(TRAPS.filter((trap) => !isBound(trap)))(
    "schema and then data make the database: $title",
    async (trap) => {
      const source = databaseOf(trap.script);
      const open = nodeSqliteSource(source);
      const all = await dumpDatabase(open);
      const schema = await dumpDatabase(open, UNCUT, { content: "schema" });
      const data = await dumpDatabase(open, UNCUT, { content: "data" });
      const restored = restoreStatements(Buffer.concat([schema.bytes, data.bytes]));
      const isAllowed = (difference: string): boolean => trap.differs?.test(difference) === true;
      const differences = compareDatabases(source, restored, comparisonOf(all));
      expect(differences.filter((difference) => !isAllowed(difference))).toEqual([]);
      expect(new Set([...schema.warnings, ...data.warnings])).toEqual(new Set(all.warnings));
      expect(statementsOf(schema.bytes).length + statementsOf(data.bytes).length).toBe(
        statementsOf(all.bytes).length + 1,
      );
    },
  );

  test("data warns of a table whose name a virtual table protects", async () => {
    const source = databaseOf([
      "CREATE TABLE docs_content(id INTEGER PRIMARY KEY, body)",
      "CREATE VIRTUAL TABLE docs USING fts5(body, content='docs_content', content_rowid='id')",
    ]);
    const dump = await dumpDatabase(nodeSqliteSource(source), UNCUT, { content: "data" });
    expect(dump.warnings).toEqual([
      'table "docs_content" may have the name of a shadow table of "docs": its rows load only before that table exists',
    ]);
  });

  test("schema has every object and no row", async () => {
    const source = nodeSqliteSource(databaseOf(SHOP));
    const { bytes, warnings } = await dumpDatabase(source, UNCUT, { content: "schema" });
    const restored = restoreStatements(bytes);
    expect(objectsOf(restored)).toEqual(objectsOf(databaseOf(SHOP)));
    expect(restored.prepare("SELECT count(*) AS n FROM orders").get()).toEqual({ n: 0 });
    expect(restored.prepare("SELECT count(*) AS n FROM sqlite_sequence").get()).toEqual({ n: 0 });
    expect(warnings).toEqual([]);
  });

  test("data warns of triggers, which fire where they exist", async () => {
    const source = nodeSqliteSource(databaseOf(SHOP));
    const { bytes, warnings } = await dumpDatabase(source, UNCUT, { content: "data" });
    expect(new TextDecoder().decode(bytes)).not.toContain("CREATE");
    expect(warnings).toEqual([
      'triggers that already exist in the target fire for each loaded row: "orders_audit"',
    ]);
  });
});
