import type { Cell } from "../../sqlite/cell.ts";
import { concatBytes, decodeUtf8, encodeUtf8 } from "../../lib/bytes.ts";
import { quoteIdentifier } from "../../sqlite/identifier.ts";
import { toUpperHex } from "../../sqlite/literal.ts";
import { writeCellLiteral, isPlainText } from "./write-text-literal.ts";
import { createStageSql } from "../../sqlite/own-objects.ts";

/**
 * Bytes of a value in one slice: its hex digits and the statement around them stay below 100,000.
 */
const SLICE_BYTES = 45_000;

/** The text that replaces a staged value in a row is shorter than this, in bytes. */
export const STAGED_VALUE_BYTES = 120;

/**
 * Returns statements that insert a row which is too long for one statement. Its longest values go
 * into a staging table slice by slice, one INSERT assembles the row, and the table is dropped.
 * Appending with UPDATE instead would violate CHECK, UNIQUE and STRICT halfway.
 *
 * `head` is the INSERT up to the row's opening parenthesis; `stage` is the staging table's name.
 */
export function stageRow(input: {
  head: string;
  cells: Cell[];
  rowBytesMax: number;
  stage: string;
}): Uint8Array[] {
  const stage = quoteIdentifier(input.stage);
  const values = input.cells.map((cell) => encodeUtf8(writeCellLiteral(cell)));
  const staged = findLongest(values, input);
  const out: Uint8Array[] = [encodeUtf8(`${createStageSql(input.stage)};\n`)];
  for (const at of staged) {
    const cell = input.cells[at] as Exclude<Cell, { type: "plain" }>;
    let n = 0;
    for (const literal of listSlices(cell)) {
      out.push(encodeUtf8(`INSERT INTO ${stage} VALUES(${at},${n},${literal});\n`));
      n += 1;
    }
    values[at] = encodeUtf8(
      `(SELECT CAST(group_concat(s,'') AS ${cell.type.toUpperCase()}) FROM ` +
        `(SELECT s FROM ${stage} WHERE c=${at} ORDER BY n))`,
    );
  }
  const comma = encodeUtf8(",");
  const row = values.flatMap((value, at) => (at === 0 ? [value] : [comma, value]));
  out.push(encodeUtf8(input.head), concatBytes(row), encodeUtf8(");\n"));
  out.push(encodeUtf8(`DROP TABLE ${stage};\n`));
  return out;
}

/**
 * Returns the indexes of the longest values, as many as must be staged for the rest to fit into
 * `bytesMax`.
 */
function findLongest(
  values: Uint8Array[],
  { cells, rowBytesMax: bytesMax }: { cells: Cell[]; rowBytesMax: number },
): number[] {
  const order = values
    .map((_, at) => at)
    .filter((at) => cells[at]?.type !== "plain" && lengthAt(values, at) > STAGED_VALUE_BYTES)
    .sort((a, b) => lengthAt(values, b) - lengthAt(values, a));
  let bytes = values.reduce((sum, value) => sum + value.length + 1, 0);
  const chosen: number[] = [];
  for (const at of order) {
    if (bytes <= bytesMax) break;
    // The text that replaces the value in the row.
    bytes -= lengthAt(values, at) - STAGED_VALUE_BYTES;
    chosen.push(at);
  }
  return chosen.sort((a, b) => a - b);
}

function lengthAt(values: Uint8Array[], at: number): number {
  return (values[at] as Uint8Array).length;
}

/** Yields literals whose concatenated values are the cell's. Text is cut between characters. */
function* listSlices(cell: Exclude<Cell, { type: "plain" }>): Generator<string> {
  const plain = cell.type === "text" && isPlainText(cell.bytes);
  let start = 0;
  while (start < cell.bytes.length) {
    let end = Math.min(start + SLICE_BYTES, cell.bytes.length);
    if (plain) {
      while (end < cell.bytes.length && ((cell.bytes[end] as number) & 0xc0) === 0x80) end -= 1;
      yield `'${decodeUtf8(cell.bytes.subarray(start, end)).replaceAll("'", "''")}'`;
    } else {
      yield `X'${toUpperHex(cell.bytes.subarray(start, end))}'`;
    }
    start = end;
  }
}
