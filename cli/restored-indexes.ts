import type { DatabaseSync } from "node:sqlite";

import { quoteIdentifier } from "../src/sqlite/identifier.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { formatCount } from "./format.ts";

/** What a dump's first comments say about an FTS5 index over another table. */
export interface PromisedIndex {
  table: string;
  /** FTS5's own record: the number of indexed rows, then of each column's words, as varints in hex. */
  totals: string;
}

/** How an index differs after a restore. */
export interface IndexDifference {
  table: string;
  kind: "rows" | "words";
  /** A sentence. */
  message: string;
}

const COMMENT = /^-- FTS5 index (\{.*\})$/;

/** Reads the comments before a dump's first statement; text in its rows cannot pass for one of them. */
export function readPromisedIndexes(start: string): PromisedIndex[] {
  const indexes: PromisedIndex[] = [];
  for (const line of start.split("\n")) {
    if (!line.startsWith("--")) break;
    const json = COMMENT.exec(line)?.[1];
    if (json !== undefined) indexes.push(JSON.parse(json) as PromisedIndex);
  }
  return indexes;
}

/** Compares restored indexes with what the dump says about the source's. */
export function compareIndexes(
  db: DatabaseSync,
  promised: readonly PromisedIndex[],
): IndexDifference[] {
  return promised.flatMap(({ table, totals }): IndexDifference[] => {
    const [rows = 0, ...words] = readVarints(totals);
    const [foundRows = 0, ...foundWords] = readIndexTotals(db, table);
    const name = JSON.stringify(table);
    if (rows !== foundRows) {
      const found = `${formatCount(foundRows)} rows after the restore`;
      const message = `FTS5 table ${name} indexes ${found}, and the source's ${formatCount(rows)}`;
      return [{ table, kind: "rows", message }];
    }
    if (words.every((count, at) => count === (foundWords[at] ?? 0))) return [];
    const message = `FTS5 table ${name} indexes other words after the restore than in the source`;
    return [{ table, kind: "words", message }];
  });
}

/**
 * Throws `restore-mismatch` if a restored index has other rows than the source's. Other words are left to a
 * warning: no dump contains the text that a trigger computes for an index.
 */
export function requireIndexedRows(differences: readonly IndexDifference[]): void {
  const wrong = differences.filter(({ kind }) => kind === "rows");
  const [first] = wrong;
  if (first === undefined) return;
  const more = wrong.length === 1 ? "" : ` (and ${wrong.length - 1} more indexes differ)`;
  throw new CliError("restore-mismatch", `${first.message}${more}`, {
    exitCode: EXIT.failed,
    hint: "If the source's index has entries of deleted rows, repair it with 'rebuild' and export again.",
  });
}

/** How many rows an FTS5 index contains, and how many words of each column: FTS5's own record. */
export function readIndexTotals(db: DatabaseSync, table: string): number[] {
  const data = quoteIdentifier(`${table}_data`);
  const record = db.prepare(`SELECT hex(block) AS hex FROM ${data} WHERE id = 1`).get();
  return readVarints(String(record?.["hex"] ?? ""));
}

/** SQLite's varints: seven bits a byte, the most significant first; eight bits in a ninth byte. */
function readVarints(hex: string): number[] {
  const values: number[] = [];
  let value = 0n;
  let length = 0;
  for (const byte of Buffer.from(hex, "hex")) {
    length += 1;
    const isNinth = length === 9;
    value = isNinth ? (value << 8n) | BigInt(byte) : (value << 7n) | BigInt(byte & 0x7f);
    if (byte >= 0x80 && !isNinth) continue;
    values.push(Number(value));
    value = 0n;
    length = 0;
  }
  return values;
}
