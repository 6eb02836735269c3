import type { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import type { ManifestV2 } from "../../src/api/manifest.ts";
import type { TablePatterns } from "../../src/api/export-request.ts";
import type { Source } from "../../src/databases/source.ts";
import { ENCODING_VERSION } from "../../src/formats/plan-digest.ts";
import { canCompare, planManifestDump } from "../../src/formats/plan-manifest-dump.ts";
import {
  COMPARE_START,
  type CompareCursor,
  type ComparedPieces,
  comparePieces,
} from "../../src/workflows/restore/compare-pieces.ts";
import type { Difference } from "../../src/workflows/restore/difference.ts";
import { dumpWithManifest } from "../support/make-manifest.ts";
import { NAME_DATABASES } from "../support/name-databases.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../support/random-database.ts";
import { restoreStatements } from "../support/restore-dump.ts";
import { TRAPS } from "../support/traps.ts";

/** A cut here and there, two of them equal. */
const CUTS = [1, 50, 500, 500, 2_000, 20_000];

interface Comparison {
  difference: Difference | null;
  pieces: number;
  rows: number;
  steps: number;
}

interface CompareOptions {
  /** Text that each step may compare. */
  textBytesMax?: () => number;
  ignored?: readonly string[];
  /** Called between two steps. */
  between?: () => void;
}

/** Compares in as many steps as it takes. Each starts from a cursor that was stored. */
async function compareAll(
  source: Source,
  manifest: ManifestV2,
  { textBytesMax = () => 1, ignored = [], between = () => {} }: CompareOptions = {},
): Promise<Comparison> {
  const compared: Comparison = { difference: null, pieces: 0, rows: 0, steps: 0 };
  let from: CompareCursor | null = COMPARE_START;
  while (from !== null) {
    const step: ComparedPieces = await comparePieces(source, {
      manifest,
      artifact: 0,
      planDump: (catalog) => planManifestDump(manifest, catalog, ignored),
      from: JSON.parse(JSON.stringify(from)) as CompareCursor,
      textBytesMax: textBytesMax(),
      beat: async () => {},
    });
    compared.pieces += step.pieces;
    compared.rows += step.rows;
    compared.steps += 1;
    compared.difference = step.difference;
    from = step.next;
    between();
  }
  return compared;
}

function databaseOf(script: readonly string[]): DatabaseSync {
  const db = openPlatformDatabase();
  for (const statement of script) db.exec(statement);
  return db;
}

/** Pages are too large when `isTooBig` returns true, so they are read smaller. */
function narrowSource(db: DatabaseSync, isTooBig: () => boolean): Source {
  const source = nodeSqliteSource(db);
  return {
    ...source,
    query: async (statement) => {
      // A table without a key has no smaller pages: it is read by one query of as many rows as there can be.
      const isPage = / LIMIT (?!10000000\b)\d/.test(statement.sql);
      if (isPage && isTooBig()) {
        throw new ExportError("source-query-failed", "string or blob too big: SQLITE_TOOBIG");
      }
      return source.query(statement);
    },
  };
}

/** A small generator of numbers below 1. */
function generateNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("a restored database equals its dump, piece by piece", () => {
  test.each([...TRAPS, ...NAME_DATABASES])("$title", async ({ script }) => {
    const source = nodeSqliteSource(databaseOf(script));
    const { bytes, manifest } = await dumpWithManifest(source, { cuts: CUTS, name: "el sewhere" });
    const restored = restoreStatements(bytes);
    const { difference, pieces } = await compareAll(nodeSqliteSource(restored), manifest);
    expect(difference).toBeNull();
    expect(pieces).toBe(CUTS.length + 1);
  });

  test("whatever the lengths of pieces, pages and steps are", async () => {
    const lengths = fc.array(fc.nat({ max: 30_000 }), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(databaseArbitrary, lengths, fc.nat(), async (shape, cuts, seed) => {
        const db = openPlatformDatabase();
        buildDatabase(db, scriptOf(shape, { breaksRules: true }));
        const { bytes, manifest } = await dumpWithManifest(nodeSqliteSource(db), { cuts });
        db.close();
        const restored = restoreStatements(bytes, undefined, { breaksRules: true });
        const next = generateNumbers(seed);
        const [tooBig, stepBytes] = [next() * 0.9, next() * 20_000];
        const source = narrowSource(restored, () => next() < tooBig);
        const compared = await compareAll(source, manifest, {
          textBytesMax: () => next() * stepBytes,
        });
        restored.close();
        expect(compared.difference).toBeNull();
        expect(compared.pieces).toBe(cuts.length + 1);
        const rows = manifest.tables.reduce((sum, table) => sum + table.rows, 0);
        expect(compared.rows).toBeGreaterThanOrEqual(rows);
      }),
      { numRuns: 60, seed: 20_261_128 },
    );
  });
});

const SHOP = [
  "CREATE TABLE customers(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
  "CREATE TABLE orders(id TEXT PRIMARY KEY, customer REFERENCES customers(id), note) WITHOUT ROWID",
  "CREATE TABLE loose(a)",
  "CREATE INDEX by_name ON customers(name)",
  "CREATE VIEW named AS SELECT name FROM customers",
  "CREATE TRIGGER on_loose AFTER DELETE ON loose BEGIN SELECT 1; END",
  `CREATE VIRTUAL TABLE texts USING fts5(name, content='customers', content_rowid='id')`,
  ...Array.from({ length: 200 }, (_, at) => `INSERT INTO customers VALUES (${at + 1}, 'n${at}')`),
  ...Array.from(
    { length: 200 },
    (_, at) => `INSERT INTO orders VALUES ('k${at + 100}', ${at + 1}, ${at})`,
  ),
  "INSERT INTO loose(rowid, a) SELECT value, printf('%0700d', 1) FROM json_each('[1,2,7]')",
  "INSERT INTO texts(texts) VALUES ('rebuild')",
];

/** What is wrong with a restored database, and what the comparison names. */
interface Planted {
  title: string;
  sql: string;
  /** The table that is named if one piece contains all tables. */
  table: string | null;
  /** The table that is named if pieces are small; as `table` by default. */
  inPieces?: string;
  says: RegExp;
}

const PLANTED: Planted[] = [
  {
    title: "a changed byte",
    sql: "UPDATE orders SET note = 999 WHERE note = 150",
    table: null,
    inPieces: "orders",
    says: /: rows of one of .*, or the text around them/,
  },
  {
    title: "a missing row",
    sql: "DELETE FROM orders WHERE id = 'k150'",
    table: "orders",
    says: /"orders" has 199 rows .* the dump has 200 /,
  },
  {
    title: "another row",
    sql: "INSERT INTO orders VALUES ('k299z', NULL, NULL)",
    table: "orders",
    says: /"orders" has 201 rows .* the dump has 200 /,
  },
  {
    title: "a value of another type",
    sql: "UPDATE orders SET note = '150' WHERE note = 150",
    table: "orders",
    says: /"orders" has 200 rows .* the dump has 200 /,
  },
  {
    title: "another rowid",
    sql: "UPDATE loose SET rowid = 5 WHERE rowid = 7",
    table: null,
    inPieces: "loose",
    says: /: rows of one of .*, or the text around them/,
  },
  {
    title: "a missing table",
    sql: "DROP TABLE loose",
    table: "loose",
    says: /table "loose" of the dump is missing/,
  },
  {
    title: "another table",
    sql: "CREATE TABLE other(a)",
    table: "other",
    says: /table "other" is not in the dump/,
  },
  {
    title: "a missing index",
    sql: "DROP INDEX by_name",
    table: null,
    says: /: the schema, a sequence or a search index$/,
  },
  {
    title: "a missing trigger",
    sql: "DROP TRIGGER on_loose",
    table: null,
    says: /: the schema, a sequence or a search index$/,
  },
  {
    title: "a missing view",
    sql: "DROP VIEW named",
    table: null,
    says: /: the schema, a sequence or a search index$/,
  },
  {
    title: "another sequence",
    sql: "UPDATE sqlite_sequence SET seq = 201",
    table: null,
    says: /rows of one of "customers", .*, or the text around them/,
  },
  {
    title: "a search index that lacks a row",
    sql: "INSERT INTO texts(texts, rowid, name) VALUES ('delete', 7, 'n6')",
    table: null,
    says: /rows of one of "customers", .*, or the text around them/,
  },
];

describe("finds", () => {
  test.each(PLANTED)("$title", async ({ sql, says, table }) => {
    const { bytes, manifest } = await dumpWithManifest(nodeSqliteSource(databaseOf(SHOP)));
    const restored = restoreStatements(bytes);
    restored.exec(sql);
    const { difference } = await compareAll(nodeSqliteSource(restored), manifest);
    expect(difference?.message).toMatch(says);
    expect(difference?.table).toBe(table);
  });

  test.each(PLANTED)("$title, in small pieces", async ({ sql, table, inPieces = table }) => {
    const first = await dumpWithManifest(nodeSqliteSource(databaseOf(SHOP)));
    const cuts = Array.from({ length: 40 }, (_, at) => Math.floor((at * first.bytes.length) / 40));
    const { bytes, manifest } = await dumpWithManifest(nodeSqliteSource(databaseOf(SHOP)), {
      cuts,
    });
    const restored = restoreStatements(bytes);
    restored.exec(sql);
    const { difference } = await compareAll(nodeSqliteSource(restored), manifest);
    expect(difference?.message).toMatch(/^piece \d+ of 41 differs|^the text ends after|^table /);
    if (inPieces !== null) expect(difference?.table).toBe(inPieces);
    if (inPieces === "orders") {
      expect(difference).toMatchObject({
        firstKey: '"k100"',
        lastKey: expect.stringMatching(/^"k299/),
      });
    }
  });
});

describe("a dump of a part", () => {
  const parts: { tables: TablePatterns; ignored: string[]; left?: string }[] = [
    { tables: { include: ["orders", "customers"] }, ignored: [] },
    { tables: { exclude: ["loose", "tex*"] }, ignored: [] },
    { tables: { include: ["customers"] }, ignored: ["kept"], left: "CREATE TABLE kept(a)" },
  ];
  test.each(parts)("is planned again: %o", async ({ tables, ignored, left = "" }) => {
    const source = nodeSqliteSource(databaseOf(SHOP));
    const { bytes, manifest } = await dumpWithManifest(source, { tables });
    const restored = restoreStatements(bytes);
    restored.exec(left);
    expect(await compareAll(nodeSqliteSource(restored), manifest, { ignored })).toMatchObject({
      difference: null,
      pieces: 1,
    });
  });
});

test("a schema that another writer changes between two steps is a difference", async () => {
  const source = nodeSqliteSource(databaseOf(SHOP));
  const { bytes, manifest } = await dumpWithManifest(source, { cuts: [2_000] });
  const restored = restoreStatements(bytes);
  const { difference, steps } = await compareAll(nodeSqliteSource(restored), manifest, {
    between: () => restored.exec("CREATE INDEX IF NOT EXISTS late ON loose(a)"),
  });
  expect(steps).toBe(2);
  expect(difference?.message).toMatch(/another writer changed the schema/);
});

test("an empty database lacks the tables of its dump", async () => {
  const tables = { include: ["orders"] };
  const { manifest } = await dumpWithManifest(nodeSqliteSource(databaseOf(SHOP)), { tables });
  const { difference } = await compareAll(nodeSqliteSource(openPlatformDatabase()), manifest);
  expect(difference).not.toBeNull();
});

test("only SQL dumps of the same encoding can be compared", async () => {
  const { manifest } = await dumpWithManifest(nodeSqliteSource(databaseOf(SHOP)));
  expect(canCompare(manifest)).toBe(true);
  expect(canCompare({ ...manifest, encoding: ENCODING_VERSION + 1 })).toBe(false);
  expect(canCompare({ ...manifest, format: "csv" })).toBe(false);
  expect(canCompare({ ...manifest, version: 1 })).toBe(false);
});
