import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { expect, test } from "vitest";

import { compareDatabases } from "../support/compare-databases.ts";
import { loadDump } from "../support/load-dump.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";

/** Keys of different affinities and places, as the table's own text. `p` refers to `id`. */
const KEYS = [
  "id INTEGER PRIMARY KEY",
  "id PRIMARY KEY",
  "id TEXT PRIMARY KEY",
  "id REAL UNIQUE",
  "id NUMERIC UNIQUE NOT NULL",
  "id TEXT COLLATE NOCASE UNIQUE",
  "rowid, _rowid_, oid, id INTEGER UNIQUE",
];

/** How rows may use `p`, apart from the foreign key. `n` is another column. */
const RULES = [
  "",
  ", CHECK (n > 0)",
  ", CHECK (p IS NOT NULL OR n > 0)",
  ", CHECK (length(p) > 0)",
  ", g AS (p || 'x') NOT NULL",
  ", g AS (coalesce(p, 'none')) STORED UNIQUE",
  ", UNIQUE (p, n)",
];

/** What the script creates before the rows. */
const BEFORE = [
  "",
  "CREATE UNIQUE INDEX i ON t(coalesce(p, 'none'), n);",
  "CREATE UNIQUE INDEX i ON t(coalesce(n, 0)) WHERE p IS NULL;",
  "CREATE INDEX i ON t(p);",
];

const shapeArbitrary = fc.record({
  key: fc.constantFrom(...KEYS),
  type: fc.constantFrom("", "INTEGER", "TEXT", "BLOB", "NUMERIC"),
  rule: fc.constantFrom(...RULES),
  before: fc.constantFrom(...BEFORE),
  isQuoted: fc.boolean(),
  count: fc.integer({ min: 1, max: 60 }),
  step: fc.integer({ min: 1, max: 59 }),
  nulls: fc.integer({ min: 2, max: 20 }),
  sliceRows: fc.constantFrom(5, 64, 10_000),
});

/** Returns a script of a table whose rows refer to rows of the same table: chains and rings. */
function writeScript(shape: typeof shapeArbitrary extends fc.Arbitrary<infer T> ? T : never) {
  const { key, type, rule, before, isQuoted, count, step, nulls } = shape;
  const literal = (n: number): string => (isQuoted ? `'${n}'` : String(n));
  const rows = Array.from({ length: count }, (_, at) => {
    const parent = at % nulls === 1 ? "NULL" : literal(((at * step + 1) % count) + 1);
    return `(${literal(at + 1)},${parent},${at + 1})`;
  });
  return (
    `CREATE TABLE t(${key}, p ${type} REFERENCES t(id), n INTEGER${rule});${before}\n` +
    `INSERT INTO t(id,p,n) VALUES${rows.join(",")};`
  );
}

/** Loads a script as SQLite does, with foreign keys checked at its end or not at all; undefined if it refuses. */
function loadBySqlite(script: string, checksKeys: boolean): DatabaseSync | undefined {
  const db = new DatabaseSync(":memory:", { enableForeignKeyConstraints: checksKeys });
  try {
    db.exec(`BEGIN; PRAGMA defer_foreign_keys = ON; ${script} COMMIT`);
  } catch {
    return undefined;
  }
  return db.prepare("PRAGMA foreign_key_check").all().length === 0 ? db : undefined;
}

test("loads rows that refer to one another, whatever the types and rules of their columns", async () => {
  let [loaded, refused] = [0, 0];
  await fc.assert(
    fc.asyncProperty(shapeArbitrary, async (shape) => {
      const script = writeScript(shape);
      const expected = loadBySqlite(script, false);
      if (expected === undefined) return;
      const actual = openPlatformDatabase();
      actual.exec("PRAGMA foreign_keys = ON");
      const { sliceRows } = shape;
      const load = loadDump(nodeSqliteSource(actual), Buffer.from(script), { sliceRows });
      const error = await load.then(
        () => undefined,
        (cause: unknown) => cause,
      );
      if (error !== undefined) {
        // SQLite converts a child's value when it looks for the parent, but not when it looks for the children.
        expect(loadBySqlite(script, true), `${script}\n${String(error)}`).toBe(undefined);
        expect(String(error)).toContain("FOREIGN KEY constraint failed");
        refused += 1;
        return;
      }
      expect(compareDatabases(expected, actual), script).toEqual([]);
      loaded += 1;
    }),
    { numRuns: 200 },
  );
  expect(loaded).toBeGreaterThan(60);
  expect(refused).toBeLessThan(loaded / 2);
});

test("loads a ring of texts that are referred to by numbers, which SQLite loads only without foreign keys", async () => {
  const script =
    "CREATE TABLE t(id TEXT PRIMARY KEY, p REFERENCES t(id));INSERT INTO t VALUES(1,2),(2,3),(3,1);";
  const actual = openPlatformDatabase();
  actual.exec("PRAGMA foreign_keys = ON");
  await loadDump(nodeSqliteSource(actual), Buffer.from(script));
  const expected = loadBySqlite(script, false) as DatabaseSync;
  expect(compareDatabases(expected, actual)).toEqual([]);
});
