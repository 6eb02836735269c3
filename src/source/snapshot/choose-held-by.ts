import { quoteIdentifier as q } from "../../dump/identifier.ts";
import type { Table } from "../../model/catalog.ts";
import { KIB, MIB } from "../../model/limits.ts";
import type { Source } from "../source.ts";
import { canWatch, copyColumns, GATHERED_COLUMNS_MAX, hasIntegerKey } from "./layout.ts";
import type { HeldBy } from "./record.ts";
import { bytesSql } from "./row-sql.ts";

/** What is copied when a snapshot is opened, all tables together: one turn must be enough for it. */
const COPY_BYTES_MAX = 16 * MIB;

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

/** Decides for each table what holds it to the instant. Reads the whole of those that may be copied. */
export async function chooseHeldBy(
  source: Source,
  tables: readonly Table[],
  of: { brokenParents: ReadonlyMap<string, string>; manyTables?: number | undefined },
): Promise<HeldTables> {
  const { brokenParents, manyTables = MANY_TABLES } = of;
  const isWatchable = (table: Table): boolean => canWatch(table) && !brokenParents.has(table.name);
  const held: HeldTables = { heldBy: [], warnings: [], rowsRead: 0 };
  const measured =
    tables.length > manyTables ? tables : tables.filter((table) => !isWatchable(table));
  const sizes = await measure(source, measured, isWatchable);
  let copied = 0;
  const fits = (bytes: number): boolean => copied + bytes <= COPY_BYTES_MAX;
  for (const table of tables) {
    const size = sizes.get(table);
    const columns = copyColumns(table).length;
    held.rowsRead += size?.rowsRead ?? 0;
    if (isWatchable(table)) {
      const isSmall =
        size !== undefined && size.rows <= SMALL_ROWS_MAX && size.bytes <= SMALL_BYTES_MAX;
      const isGathered = isSmall && columns <= GATHERED_COLUMNS_MAX && fits(size.bytes);
      if (isGathered) copied += size.bytes;
      held.heldBy.push(isGathered ? "gathering" : "undo");
    } else if (size !== undefined && fits(size.bytes) && columns <= COLUMNS_MAX) {
      copied += size.bytes;
      held.heldBy.push("copy");
    } else {
      held.heldBy.push("nothing");
      const child = brokenParents.get(table.name);
      const reason =
        child === undefined
          ? ""
          : ` (the foreign key of table ${q(child)} refers to columns that no UNIQUE index covers: create one)`;
      held.warnings.push(
        `table ${q(table.name)} is exported as it is while it is read: triggers cannot watch it${reason}, ` +
          `and it is too large to be copied when the snapshot is opened`,
      );
    }
  }
  return held;
}

interface Size {
  rows: number;
  bytes: number;
  rowsRead: number;
}

/** Of a table that can be watched no more is read than tells that it is not small. */
async function measure(
  source: Source,
  tables: readonly Table[],
  isWatchable: (table: Table) => boolean,
): Promise<ReadonlyMap<Table, Size>> {
  const sizes = new Map<Table, Size>();
  for (let at = 0; at < tables.length; at += MEASURED_AT_ONCE) {
    const group = tables.slice(at, at + MEASURED_AT_ONCE);
    const results = await source.transaction(
      group.map((table) => {
        const names = copyColumns(table).map(q);
        const isFar = isWatchable(table) ? isFarSql(table) : "0";
        const some = isWatchable(table) ? ` LIMIT iif(${isFar}, 0, ${SMALL_ROWS_MAX + 1})` : "";
        // The sum of each row within: a result may have 100 columns.
        return {
          sql:
            `SELECT count(*), coalesce(sum(b), 0), ${isFar} AS far FROM ` +
            `(SELECT ${bytesSql(names)} AS b FROM ${q(table.name)}${some})`,
        };
      }),
    );
    for (const [index, table] of group.entries()) {
      const { rows, rowsRead } = results[index] ?? { rows: [], rowsRead: 0 };
      const [count, bytes, isFar] = rows[0] ?? [];
      const size = { rows: Number(count), bytes: Number(bytes), rowsRead };
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
