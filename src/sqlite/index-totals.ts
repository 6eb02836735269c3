import { fromHex } from "../lib/bytes.ts";
import type { Table } from "./catalog.ts";
import { quoteIdentifier, quoteText } from "./identifier.ts";

/** How many rows an FTS5 index contains, and how many words of each column. */
export interface IndexTotals {
  rows: number;
  words: number[];
}

/** The totals of the FTS5 table of this name. */
export interface NamedIndexTotals extends IndexTotals {
  table: string;
}

/** The start of the line in a dump's comment. */
const COMMENT = "-- FTS5 index ";

/**
 * FTS5 stores the number of indexed rows, and of each column's words, in this record of its `_data`
 * table.
 */
const TOTALS_RECORD = 1;

/**
 * Query for the comment that `verify --restore` uses to compare a restored index with the source's;
 * `parseIndexComments` reads it.
 */
export function indexCommentSql(table: Table): string {
  const before = quoteText(`${COMMENT}{"table":${JSON.stringify(table.name)},"totals":"`);
  // A record of zeros belongs to an index that lost all rows: it equals one that never had any.
  const totals = "CASE WHEN ltrim(hex(block), '0') = '' THEN '' ELSE hex(block) END";
  return `SELECT ${before} || ${totals} || '"}' || char(10) FROM ${recordSql(table.name)}`;
}

/**
 * Reads the comments before a dump's first statement. Text in the dump's rows cannot be mistaken
 * for one of them.
 */
export function parseIndexComments(start: string): NamedIndexTotals[] {
  const found: NamedIndexTotals[] = [];
  for (const line of start.split("\n")) {
    if (!line.startsWith("--")) break;
    if (!line.startsWith(`${COMMENT}{`)) continue;
    const { table, totals } = JSON.parse(line.slice(COMMENT.length)) as {
      table: string;
      totals: string;
    };
    found.push({ table, ...parseIndexTotals(totals) });
  }
  return found;
}

/** Query for the totals of the FTS5 table of this name, as hex digits for `parseIndexTotals`. */
export function indexTotalsSql(name: string): string {
  return `SELECT hex(block) AS totals FROM ${recordSql(name)}`;
}

/** Reads FTS5's own record: varints of the number of rows, then of each column's words. */
export function parseIndexTotals(hex: string): IndexTotals {
  const [rows = 0, ...words] = readVarints(fromHex(hex));
  return { rows, words };
}

function recordSql(name: string): string {
  return `${quoteIdentifier(`${name}_data`)} WHERE id = ${TOTALS_RECORD}`;
}

/** SQLite's varints: seven bits per byte, most significant first; eight bits in a ninth byte. */
function readVarints(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0n;
  let length = 0;
  for (const byte of bytes) {
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
