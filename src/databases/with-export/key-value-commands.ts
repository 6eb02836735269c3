import {
  CAN_EXPORT_KEY_VALUES,
  type CopiedKeyValues,
  DELETE_KEY_VALUES,
  findCopyTarget,
  HAS_KEY_VALUES,
  KEY_VALUE_PIECE_BYTES,
  type KeyValuePiece,
  parseKeyValues,
} from "../../sqlite/key-values.ts";
import { CREATE_KEY_VALUE_STAGE, KEY_VALUE_STAGE_TABLE } from "../../sqlite/own-objects.ts";
import { concatBytes, decodeUtf8, encodeUtf8, fromHex } from "../../lib/bytes.ts";
import { KEY_VALUES_BYTES_MAX } from "../../api/limits.ts";
import { decodeValue, encodeValue } from "./structured-value.ts";

/** Entries read at once: a value may have 2 MB. */
const ENTRIES_AT_ONCE = 8;

/** The most keys named in a result. */
const SKIPPED_KEYS_MAX = 5;

/** The answer to a command, and the rows that it wrote. */
export interface KeyValueAnswer {
  row: SqlStorageValue[];
  rowsWritten: number;
}

/**
 * Runs `sql` if it is a command about the key-value storage (see `src/sqlite/key-values.ts`);
 * returns undefined for ordinary SQL. The result has one row: the command's answer. Throws the
 * storage's own errors, and RangeError for a dump of a later version.
 */
export function runKeyValueCommand(
  storage: DurableObjectStorage,
  sql: string,
): KeyValueAnswer | undefined {
  if (sql === CAN_EXPORT_KEY_VALUES) return { row: [1], rowsWritten: 0 };
  if (sql === HAS_KEY_VALUES) {
    return { row: [[...storage.kv.list({ limit: 1 })].length], rowsWritten: 0 };
  }
  if (sql === DELETE_KEY_VALUES) {
    const deleted = deleteEntries(storage);
    return { row: [deleted], rowsWritten: deleted };
  }
  const table = findCopyTarget(sql);
  if (table !== undefined) {
    const { rowsWritten, ...copied } = copyEntries(storage, table);
    return { row: [JSON.stringify(copied)], rowsWritten };
  }
  const pieces = parseKeyValues(sql);
  if (pieces === undefined) return undefined;
  for (const piece of pieces) putPiece(storage, piece);
  return { row: [pieces.length], rowsWritten: pieces.length };
}

/** Returns how many entries there were. */
function deleteEntries({ kv }: DurableObjectStorage): number {
  for (let deleted = 0; ;) {
    const page = [...kv.list({ limit: ENTRIES_AT_ONCE })];
    for (const [key] of page) kv.delete(key);
    deleted += page.length;
    if (page.length < ENTRIES_AT_ONCE) return deleted;
  }
}

function copyEntries(
  { sql, kv }: DurableObjectStorage,
  table: string,
): CopiedKeyValues & { rowsWritten: number } {
  sql.exec(
    `CREATE TABLE "${table}" (c0 BLOB, c1 INTEGER, c2 INTEGER, c3 BLOB, PRIMARY KEY (c0, c1)) WITHOUT ROWID`,
  );
  const copied = { entries: 0, skipped: 0, skippedKeys: [] as string[], rowsWritten: 0 };
  let bytes = 0;
  let startAfter: string | undefined;
  for (;;) {
    const options = { limit: ENTRIES_AT_ONCE, ...(startAfter !== undefined && { startAfter }) };
    const page = [...kv.list(options)];
    for (const [key, value] of page) {
      startAfter = key;
      let encoded: Uint8Array;
      try {
        encoded = encodeValue(value);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        copied.skipped += 1;
        if (copied.skippedKeys.length < SKIPPED_KEYS_MAX) copied.skippedKeys.push(key);
        continue;
      }
      const keyBytes = encodeUtf8(key);
      bytes += keyBytes.byteLength + encoded.byteLength;
      if (bytes > KEY_VALUES_BYTES_MAX) {
        sql.exec(`DELETE FROM "${table}"`);
        return { ...copied, entries: null };
      }
      const parts = Math.ceil(encoded.byteLength / KEY_VALUE_PIECE_BYTES);
      for (let part = 0; part < parts; part += 1) {
        const start = part * KEY_VALUE_PIECE_BYTES;
        const piece = encoded.slice(start, start + KEY_VALUE_PIECE_BYTES);
        sql.exec(
          `INSERT INTO "${table}" VALUES (?, ?, ?, ?)`,
          keyBytes.buffer,
          part,
          parts,
          piece.buffer,
        );
      }
      copied.rowsWritten += parts;
      copied.entries += 1;
    }
    if (page.length < ENTRIES_AT_ONCE) return copied;
  }
}

/** Stores an entry when its last piece arrives; the earlier pieces wait in a table. */
function putPiece({ sql, kv }: DurableObjectStorage, piece: KeyValuePiece): void {
  const { part, parts } = piece;
  const [key, value] = [fromHex(piece.key), fromHex(piece.value)];
  if (parts === 1) {
    kv.put(decodeUtf8(key), decodeValue(value));
    return;
  }
  sql.exec(CREATE_KEY_VALUE_STAGE.replace("CREATE TABLE", "CREATE TABLE IF NOT EXISTS"));
  sql.exec(
    `INSERT OR REPLACE INTO ${KEY_VALUE_STAGE_TABLE} VALUES (?, ?, ?)`,
    key.buffer,
    part,
    value.buffer,
  );
  if (part < parts - 1) return;
  const rows = sql
    .exec(`SELECT value FROM ${KEY_VALUE_STAGE_TABLE} WHERE key = ? ORDER BY part`, key.buffer)
    .toArray();
  if (rows.length !== parts) {
    throw new Error(`key-value entry ${decodeUtf8(key)} has ${rows.length} of ${parts} pieces`);
  }
  const pieces = rows.map((row) => new Uint8Array(row["value"] as ArrayBuffer));
  kv.put(decodeUtf8(key), decodeValue(concatBytes(pieces)));
  sql.exec(`DROP TABLE ${KEY_VALUE_STAGE_TABLE}`);
}
