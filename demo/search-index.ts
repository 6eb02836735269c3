import type { DatabaseSync } from "node:sqlite";
import { formatNumberOf } from "../cli/format.ts";
import { readIndexTotals } from "../cli/restored-indexes.ts";
import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { readRows } from "./read-rows.ts";

/** How an FTS5 index over another table compares with that table. */
export interface IndexState {
  /** The number of rows that it indexes. */
  rows: number;
  /** False for `columnsize=0`: it does not record which rows it indexes. */
  listsRows: boolean;
  /** Why its content cannot be read, in SQLite's words. */
  unreadable: string | undefined;
  /** The number of rows in its content. */
  contentRows: number;
  /** Rows of its content that it lacks; empty if it does not list its rows. */
  missing: bigint[];
  /** Rows that it indexes but its content lacks; empty if it does not list its rows. */
  stray: bigint[];
}

/** Reads the ids of the index and of its content. */
export function readIndexState(db: DatabaseSync, name: string): IndexState {
  const index = quoteIdentifier(name);
  const sizes = quoteIdentifier(`${name}_docsize`);
  const listsRows =
    db.prepare("SELECT 1 FROM pragma_table_info(?)").get(`${name}_docsize`) !== undefined;
  const { rows } = readIndexTotals(db, name);
  const state: IndexState = {
    rows,
    listsRows,
    unreadable: undefined,
    contentRows: 0,
    missing: [],
    stray: [],
  };
  try {
    // The content's count: FTS5 reads it for a query without MATCH.
    const count = db.prepare(`SELECT count(*) AS n FROM ${index}`).get();
    state.contentRows = Number(count?.["n"]);
    if (!listsRows) return state;
    const ids = (sql: string) => [...readRows<bigint>(db, sql)].flat();
    state.missing = ids(
      `SELECT rowid FROM ${index} WHERE rowid NOT IN (SELECT id FROM ${sizes}) ORDER BY rowid`,
    );
    state.stray = ids(
      `SELECT id FROM ${sizes} WHERE id NOT IN (SELECT rowid FROM ${index}) ORDER BY id`,
    );
  } catch (error) {
    state.unreadable = (error as Error).message;
  }
  return state;
}

/**
 * Compares which rows an FTS5 index over another table contains, and how many words of each column.
 * Returns a sentence, or undefined if there is no difference. Rows that no restore can index are
 * not compared: those that the content lacks, and all rows if the content is unreadable or the
 * index does not list its rows.
 */
export function findIndexDifference(
  expected: DatabaseSync,
  actual: DatabaseSync,
  name: string,
): string | undefined {
  const { unreadable, listsRows, rows, contentRows, stray } = readIndexState(expected, name);
  if (unreadable !== undefined) return undefined;
  if (!listsRows) {
    const [before, after] = [expected, actual].map((db) => {
      const totals = readIndexTotals(db, name);
      return `${formatNumberOf(totals.rows, "row")} and ${totals.words.join(", ")} words`;
    });
    if (rows !== contentRows || before === after) return undefined;
    return `${name} indexes ${after} instead of ${before}`;
  }
  const sizes = `SELECT id, hex(sz) FROM ${quoteIdentifier(`${name}_docsize`)}`;
  const ignored = new Set(stray);
  const left = [...readRows<bigint | string>(expected, sizes)]
    .filter(([id]) => !ignored.has(id as bigint))
    .map(String);
  const right = new Set([...readRows(actual, sizes)].map(String));
  const other = left.filter((entry) => !right.has(entry)).length;
  if (other === 0 && left.length === right.size) return undefined;
  return `${name} indexes ${formatNumberOf(right.size, "row")} instead of ${left.length}, ${other} of which differ`;
}

/**
 * Compares the options that an FTS5 table stores, such as `rank`. Returns a sentence, or undefined.
 */
export function findOptionDifference(
  expected: DatabaseSync,
  actual: DatabaseSync,
  name: string,
): string | undefined {
  const options = `SELECT k, quote(v) FROM ${quoteIdentifier(`${name}_config`)} WHERE k <> 'version' ORDER BY k`;
  const [before, after] = [expected, actual].map((db) =>
    [...readRows(db, options)].map((option) => option.join(" = ")).join(", "),
  );
  if (before === after) return undefined;
  return `${name} has other options: ${after || "none"} instead of ${before || "none"}`;
}
