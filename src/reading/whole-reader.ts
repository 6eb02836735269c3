import { copyKeyValuesSql } from "../sqlite/key-values.ts";
import type { Source } from "../databases/source.ts";
import { closeSnapshot } from "./snapshot/close-snapshot.ts";
import { selectCopiedRows } from "./snapshot/layout.ts";
import { SnapshotNames } from "./snapshot/names.ts";
import { openLiveReader, type TableReader } from "./table-reader.ts";

/**
 * Reads a database that nobody else writes: tables as they are, and the key-value storage, which no SQL can read,
 * from a copy in the database. `close` removes the copy; the next snapshot removes one that was left.
 */
export function openWholeReader(source: Source): TableReader & { close: () => Promise<void> } {
  const snapshotId = crypto.randomUUID();
  const copy = new SnapshotNames(snapshotId).copy(0);
  const live = openLiveReader(source);
  let isCopied = false;
  return {
    ...live,
    readRows: async (table, build) => {
      if (table.derived?.kind !== "key-values") return live.readRows(table, build);
      if (!isCopied) await source.query({ sql: copyKeyValuesSql(copy) });
      isCopied = true;
      return source.transaction(build(selectCopiedRows(copy, table)));
    },
    close: async () => {
      if (isCopied) await closeSnapshot(source, snapshotId);
    },
  };
}
