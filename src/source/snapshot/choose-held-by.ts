import { quoteIdentifier as q } from "../../dump/identifier.ts";
import type { Table } from "../../model/catalog.ts";
import { KIB, MIB } from "../../model/limits.ts";
import { ExportError } from "../../model/error.ts";
import type { Source } from "../source.ts";
import { canWatch, copyColumns, GATHERED_COLUMNS_MAX, hasIntegerKey } from "./layout.ts";
import type { HeldBy } from "./record.ts";
import { bytesSql } from "./row-sql.ts";

/** What is copied when a snapshot is opened, all tables together: one turn must be enough for it. */
const COPY_BYTES_MAX = 16 * MIB;
const COPY_ROWS_MAX = 500_000;

/**
 * How many rows of a table that may be copied are read at first, and how many times more after that, as
 * long as all that were read are few bytes: a row may have 2 MB. 291 MiB of FTS5 read as a whole took
 * 243 ms of one turn, only to find it too large (November 2026).
 */
const COPY_ROWS_AT_FIRST = 8;
const COPY_ROWS_GROWTH = 8;

/**
 * Tables that triggers watch at most. Opening 500 takes 0.7 s of CPU in one turn, 1,000 take 2.9 and
 * 1,500 take 8 (November 2026), and a Durable Object has 30 s for one call.
 */
export const WATCHED_TABLES_MAX = 1_000;

/** A result, and thus a table that is copied, may have 100 columns. */
const COLUMNS_MAX = 100;

/**
 * Where there are more tables than this, small ones are copied into one table instead of being watched.
 * Watching takes five CREATEs a table, each of which walks through the whole schema: 500 tables take
 * half a second in one turn (November 2026), and the time grows with their square. Few tables are watched,
 * since their writers then pay for what they write alone.
 */
export const MANY_TABLES = 50;

/** A small table's bounds. A copied row costs a written row, a watched table six. */
const SMALL_ROWS_MAX = 100;
const SMALL_BYTES_MAX = 64 * KIB;

/** Integer keys that lie further apart than this are a large table's: its rows are not read to tell. */
const SMALL_KEYS_MAX = 1_000;

/** Tables measured in one turn. */
const MEASURED_AT_ONCE = 100;

export interface HeldTables {
  /** One a table, in the order of the tables. */
  heldBy: HeldBy[];
  /** A sentence for each table that is not from the instant. */
  warnings: string[];
  rowsRead: number;
}

/**
 * Decides for each table what holds it to the instant. No more is read of a table than tells. Errors:
 * `too-many-tables-for-snapshot`.
 */
export async function chooseHeldBy(
  source: Source,
  tables: readonly Table[],
  manyTables = MANY_TABLES,
): Promise<HeldTables> {
  const held: HeldTables = { heldBy: [], warnings: [], rowsRead: 0 };
  const watchable = tables.length > manyTables ? tables.filter(canWatch) : [];
  const sizes = await measure(source, watchable);
  let copied = 0;
  const fits = (bytes: number): boolean => copied + bytes <= COPY_BYTES_MAX;
  for (const table of tables) {
    const size = canWatch(table)
      ? sizes.get(table)
      : await measureCopy(source, table, COPY_BYTES_MAX - copied);
    const columns = copyColumns(table).length;
    held.rowsRead += size?.rowsRead ?? 0;
    if (canWatch(table)) {
      const isSmall =
        size !== undefined && size.rows <= SMALL_ROWS_MAX && size.bytes <= SMALL_BYTES_MAX;
      const isGathered = isSmall && columns <= GATHERED_COLUMNS_MAX && fits(size.bytes);
      if (isGathered) copied += size.bytes;
      held.heldBy.push(isGathered ? "gathering" : "undo");
    } else if (size?.isWhole === true && fits(size.bytes) && columns <= COLUMNS_MAX) {
      copied += size.bytes;
      held.heldBy.push("copy");
    } else {
      held.heldBy.push("nothing");
      held.warnings.push(
        `table ${q(table.name)} is exported as it is while it is read: triggers cannot watch it, ` +
          `and it is too large to be copied when the snapshot is opened`,
      );
    }
  }
  const watched = held.heldBy.filter((each) => each === "undo").length;
  if (watched > WATCHED_TABLES_MAX) {
    throw new ExportError(
      "too-many-tables-for-snapshot",
      `${watched} tables are too large to be copied, and triggers watch at most ${WATCHED_TABLES_MAX}`,
    );
  }
  return held;
}

interface Size {
  /** False if the table has more than was read of it. */
  isWhole: boolean;
  rows: number;
  bytes: number;
  rowsRead: number;
}

/** Measures a table as far as it may be copied: a few rows at first, then more of them. */
async function measureCopy(source: Source, table: Table, bytesMax: number): Promise<Size> {
  const size: Size = { isWhole: false, rows: 0, bytes: 0, rowsRead: 0 };
  let limit = COPY_ROWS_AT_FIRST;
  while (!size.isWhole && size.bytes <= bytesMax && size.rows <= COPY_ROWS_MAX) {
    const [result] = await source.transaction([{ sql: sizeSql(table, String(limit)) }]);
    const [count, bytes] = result?.rows[0] ?? [];
    size.rows = Number(count);
    size.bytes = Number(bytes);
    size.rowsRead += result?.rowsRead ?? 0;
    size.isWhole = size.rows < limit;
    // So many more that about all bytes are read at most, if the rows are like those so far.
    const fitting = Math.ceil((bytesMax * size.rows) / Math.max(size.bytes, 1)) + 1;
    limit = Math.min(limit * COPY_ROWS_GROWTH, Math.max(fitting, limit + 1), COPY_ROWS_MAX + 1);
  }
  return size;
}

/** SELECT of how many rows the first `limit` are (SQL), and of how many bytes. */
function sizeSql(table: Table, limit: string, more = ""): string {
  // The sum of each row within: a result may have 100 columns.
  const row = `SELECT ${bytesSql(copyColumns(table).map(q))} AS b FROM ${q(table.name)} LIMIT ${limit}`;
  return `SELECT count(*), coalesce(sum(b), 0)${more} FROM (${row})`;
}

/** Of each table no more is read than tells that it is not small. */
async function measure(
  source: Source,
  tables: readonly Table[],
): Promise<ReadonlyMap<Table, Size>> {
  const sizes = new Map<Table, Size>();
  for (let at = 0; at < tables.length; at += MEASURED_AT_ONCE) {
    const group = tables.slice(at, at + MEASURED_AT_ONCE);
    const results = await source.transaction(
      group.map((table) => {
        const isFar = isFarSql(table);
        const some = `iif(${isFar}, 0, ${SMALL_ROWS_MAX + 1})`;
        return { sql: sizeSql(table, some, `, ${isFar} AS far`) };
      }),
    );
    for (const [index, table] of group.entries()) {
      const { rows, rowsRead } = results[index] ?? { rows: [], rowsRead: 0 };
      const [count, bytes, isFar] = rows[0] ?? [];
      const size = { isWhole: false, rows: Number(count), bytes: Number(bytes), rowsRead };
      sizes.set(table, isFar === 1 ? { ...size, rows: Number.POSITIVE_INFINITY } : size);
    }
  }
  return sizes;
}

/** True where a table's first and last key lie far apart; "0" where its keys are no integers. */
function isFarSql(table: Table): string {
  const [key] = table.key;
  if (!hasIntegerKey(table) || key === undefined) return "0";
  const end = (which: string): string => `(SELECT ${which}(${q(key.name)}) FROM ${q(table.name)})`;
  return `coalesce(${end("max")} - ${end("min")} > ${SMALL_KEYS_MAX}, 0)`;
}
