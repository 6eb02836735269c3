import type { Catalog, Table } from "../../src/sqlite/catalog.ts";
import { hasWord } from "../../src/sqlite/sql-tokens.ts";
import { dependsOnOrder, keepsItsOrphans } from "../../src/reading/snapshot/write-order.ts";

/** What a write did. */
export interface Outcome {
  /** SQLite's words, or null if it succeeded. */
  error: string | null;
  /** Its rows, and `changes()`. */
  returned: string;
  lastRowid: unknown;
  /** Every table's rows afterwards. */
  contents: string;
  /** SQLite's error when the write's transaction was committed; null if there was none. */
  commit: string | null;
}

export interface Difference {
  sql: string;
  /** Every table's rows before. */
  before: string;
  /** With a snapshot. */
  found: Outcome;
  /** Without a snapshot. */
  expected: Outcome;
  catalog: Catalog;
  /** PRAGMA recursive_triggers. */
  isRecursive: boolean;
  /** True if the database without a snapshot holds references that have no parent. */
  hasOrphans: () => boolean;
}

/** The rules of `docs/consistency.md`, each with a condition for the writes that differ by it. */
const RULES: readonly { name: string; covers: (difference: Difference) => boolean }[] = [
  {
    name: "last_insert_rowid() after a failed INSERT",
    covers: ({ sql, found, expected }) =>
      INSERTS.test(sql) &&
      found.error === "FOREIGN KEY constraint failed" &&
      isSame(found, expected, ["error", "contents"]),
  },
  {
    name: "a failed statement that left its first rows",
    covers: ({ before, found, expected }) =>
      found.error !== null && found.error === expected.error && found.contents === before,
  },
  {
    name: "types of STRICT tables are checked first",
    covers: ({ found, expected }) =>
      found.error !== null &&
      found.error.startsWith("cannot store ") &&
      expected.error !== found.error,
  },
  {
    name: "the order of a multi-row UPDATE",
    covers: ({ sql, catalog }) =>
      updatesOf(sql, catalog).some((table) => dependsOnOrder(table, catalog.triggers)),
  },
  {
    name: "rows before the failure of UPDATE OR FAIL",
    covers: ({ sql, found, expected }) =>
      sql.startsWith("UPDATE OR FAIL ") && found.error !== null && expected.error !== null,
  },
  {
    name: "a reference that SQLite forgets to check",
    covers: ({ found, expected, catalog }) =>
      found.error === "FOREIGN KEY constraint failed" &&
      expected.error === null &&
      catalog.tables.some(keepsItsOrphans),
  },
  {
    // SQLite's own fault (3.53): the second check of a UNIQUE index mistakes the row itself for a
    // conflict.
    name: "an UPDATE OR REPLACE while recursive_triggers is on",
    covers: ({ sql, found, expected, catalog, isRecursive }) =>
      isRecursive &&
      found.error?.startsWith("UNIQUE constraint failed: ") === true &&
      found.error !== expected.error &&
      updatesOf(sql, catalog).some(
        (table) =>
          uniqueCount(table) >= 2 &&
          [sql, table.sql, ...catalog.triggers.map((trigger) => trigger.sql)].some((text) =>
            hasWord(text, "REPLACE"),
          ),
      ),
  },
  {
    // The refused write did not change the orphans.
    name: "an INSERT that adds one broken reference and mends another",
    covers: ({ sql, found, expected, hasOrphans }) =>
      INSERTS.test(sql) &&
      found.error === null &&
      expected.error === "FOREIGN KEY constraint failed" &&
      hasOrphans(),
  },
];

const INSERTS = /^(INSERT|REPLACE)\b/;

/** The name of the rule by which the two outcomes may differ; undefined if they must not. */
export function documentedRule(difference: Difference): string | undefined {
  return RULES.find(({ covers }) => covers(difference))?.name;
}

function isSame(a: Outcome, b: Outcome, parts: (keyof Outcome)[]): boolean {
  return parts.every((part) => a[part] === b[part]);
}

/** How many things in a table must be unique: its rowid's name and its UNIQUE indexes. */
function uniqueCount({ indexes, integerPrimaryKey }: Table): number {
  return indexes.filter(({ unique }) => unique).length + (integerPrimaryKey === undefined ? 0 : 1);
}

/** Tables that a statement updates: its own, and those of the triggers' UPDATEs. */
function updatesOf(sql: string, { tables, triggers }: Catalog): Table[] {
  const texts = [sql, ...triggers.map((trigger) => trigger.sql)];
  const updated = new Set(
    texts.flatMap((text) =>
      [...text.matchAll(/\bUPDATE +(?:OR \w+ +)?(?:"((?:[^"]|"")+)"|(\w+))/g)].map(
        ([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? "",
      ),
    ),
  );
  return tables.filter(({ name }) => updated.has(name));
}
