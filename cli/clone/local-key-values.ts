import type { DatabaseSync } from "node:sqlite";
import { Serializer } from "node:v8";

import { decodeValue } from "../../src/databases/with-export/structured-value.ts";
import { concatBytes, fromHex } from "../../src/lib/bytes.ts";
import { KEY_VALUES_TABLE, parseKeyValues } from "../../src/sqlite/key-values.ts";

/**
 * The key-value entries of a dump, as the local runtime stores them. In a dump they are statements that do nothing,
 * and a class that extends `withExport` stores them. A file has no such class.
 */
export class LocalKeyValues {
  /** The pieces of each value, by the hex digits of its key. At most 16 MiB: a dump contains no more. */
  readonly #pieces = new Map<string, Uint8Array[]>();

  /** Takes the entries of a dump's statement. Any other statement has none. */
  add(sql: string): void {
    for (const { key, value } of parseKeyValues(sql) ?? []) {
      const pieces = this.#pieces.get(key) ?? [];
      pieces.push(fromHex(value));
      this.#pieces.set(key, pieces);
    }
  }

  /** Writes all entries into a database's file, in one transaction. */
  writeTo(db: DatabaseSync): void {
    if (this.#pieces.size === 0) return;
    db.exec(
      `BEGIN; CREATE TABLE ${KEY_VALUES_TABLE} (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID`,
    );
    const insert = db.prepare(`INSERT INTO ${KEY_VALUES_TABLE} VALUES (CAST(? AS TEXT), ?)`);
    for (const [key, pieces] of this.#pieces) {
      insert.run(fromHex(key), serialize(decodeValue(concatBytes(pieces))));
    }
    db.exec("COMMIT");
  }
}

/** Unlike `serialize` of `node:v8`, this writes typed arrays as the runtime does. */
function serialize(value: unknown): Uint8Array {
  const serializer = new Serializer();
  serializer.writeHeader();
  serializer.writeValue(value);
  return serializer.releaseBuffer();
}
