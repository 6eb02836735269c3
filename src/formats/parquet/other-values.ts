import { decodeUtf8, encodeUtf8 } from "../../lib/bytes.ts";
import { toUpperHex } from "../../sqlite/literal.ts";
import { ByteBuffer } from "./byte-buffer.ts";
import type { OtherValue } from "./column-values.ts";

/**
 * Returns the column of the values that no other column holds, as JSON: an object for each row that has such values,
 * with a member for each column. `others` lists the values of each column, in their rows' order.
 */
export function writeOtherValues(
  columns: readonly { name: string; others: readonly OtherValue[] }[],
  rows: number,
): { levels: Uint8Array; plain: Uint8Array } {
  const members = new Map<number, string[]>();
  for (const { name, others } of columns) {
    for (const other of others) {
      const row = members.get(other.row) ?? [];
      row.push(`${JSON.stringify(name)}:${writeValue(other)}`);
      members.set(other.row, row);
    }
  }
  const levels = new Uint8Array(rows);
  const plain = new ByteBuffer();
  for (const row of [...members.keys()].sort((a, b) => a - b)) {
    levels[row] = 1;
    const text = encodeUtf8(`{${(members.get(row) ?? []).join(",")}}`);
    plain.addCounted(text, 0, text.byteLength);
  }
  return { levels, plain: plain.bytes };
}

function writeValue(value: OtherValue): string {
  switch (value.kind) {
    case "integer":
      return String(value.integer);
    case "real":
      return writeReal(value.real);
    case "text":
      return JSON.stringify(decodeUtf8(value.bytes));
    case "invalid text":
      return `{"text":"${toUpperHex(value.bytes)}"}`;
    case "blob":
      return `{"blob":"${toUpperHex(value.bytes)}"}`;
    default:
      return value satisfies never;
  }
}

/** A real always has a point or an exponent, which distinguishes it from an integer. */
function writeReal(real: number): string {
  if (!Number.isFinite(real)) return real > 0 ? "9.0e+999" : "-9.0e+999";
  const text = Object.is(real, -0) ? "-0" : String(real);
  return /[.e]/.test(text) ? text : `${text}.0`;
}
