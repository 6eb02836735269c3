import type { DatabaseSync } from "node:sqlite";

import {
  type IndexTotals,
  indexTotalsSql,
  type NamedIndexTotals,
  parseIndexTotals,
} from "../src/sqlite/index-totals.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatCount, formatMoreDiffer, formatNumberOf } from "./format.ts";

/** How an index differs after a restore. */
export interface IndexDifference {
  table: string;
  kind: "rows" | "words";
  /** The difference, as a sentence. */
  message: string;
}

/** Compares restored indexes with the dump's records of the source's indexes. */
export function compareIndexes(
  db: DatabaseSync,
  promised: readonly NamedIndexTotals[],
): IndexDifference[] {
  return promised.flatMap(({ table, rows, words }): IndexDifference[] => {
    const found = readIndexTotals(db, table);
    const name = JSON.stringify(table);
    if (rows !== found.rows) {
      const restored = `${formatNumberOf(found.rows, "row")} after the restore`;
      const message = `FTS5 table ${name} indexes ${restored}, but the source's index has ${formatCount(rows)}`;
      return [{ table, kind: "rows", message }];
    }
    if (words.every((count, at) => count === (found.words[at] ?? 0))) return [];
    const message = `FTS5 table ${name} indexes different words after the restore than in the source`;
    return [{ table, kind: "words", message }];
  });
}

/**
 * Throws `restore-mismatch` if a restored index has other rows than the source's. Different words cause only a
 * warning, because no dump contains text that a trigger computes for an index.
 */
export function requireIndexedRows(differences: readonly IndexDifference[]): void {
  const wrong = differences.filter(({ kind }) => kind === "rows");
  const [first] = wrong;
  if (first === undefined) return;
  const more = formatMoreDiffer(wrong.length - 1, "FTS5 table");
  throw new CliError("restore-mismatch", `${first.message}${more}`, {
    exitCode: EXIT.failed,
    hint: "If the source's index has entries for deleted rows, repair it with 'rebuild' and export again.",
  });
}

/** Returns the number of rows in an FTS5 index, and the number of words in each column, according to FTS5. */
export function readIndexTotals(db: DatabaseSync, table: string): IndexTotals {
  return parseIndexTotals(String(db.prepare(indexTotalsSql(table)).get()?.["totals"] ?? ""));
}
