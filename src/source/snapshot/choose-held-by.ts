import { quoteIdentifier as q } from "../../dump/identifier.ts";
import { shownName } from "../../dump/statement-length.ts";
import { rowColumns, type Table } from "../../model/catalog.ts";
import { KIB, MIB } from "../../model/limits.ts";
import { ExportError } from "../../model/error.ts";
import type { Source } from "../source.ts";
import { sizeQueries, sizesFrom, type TableSize } from "../table-size.ts";
import { canWatch, GATHERED_COLUMNS_MAX, hasIntegerKey } from "./layout.ts";
import type { HeldBy } from "./record.ts";

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

/**
 * Decides for each table what holds it to the instant. Reads the whole of those that may be copied.
 * Errors: `table-too-wide-for-snapshot` if a table's names are too long for triggers, and its rows too large
 * for a copy.
 */
export async function chooseHeldBy(
  source: Source,
  tables: readonly Table[],
  choice: {
    fitsTriggers: (table: Table) => boolean;
    brokenParents: ReadonlyMap<string, string>;
    manyTables?: number | undefined;
  },
): Promise<HeldTables> {
  const { brokenParents, manyTables = MANY_TABLES } = choice;
  const held: HeldTables = { heldBy: [], warnings: [], rowsRead: 0 };
  const watchable = new Set(
    tables.filter(
      (table) => canWatch(table) && !brokenParents.has(table.name) && choice.fitsTriggers(table),
    ),
  );
  const isWatchable = (table: Table): boolean => watchable.has(table);
  const measured = tables.filter(
    (table) => !isKeyValues(table) && (tables.length > manyTables || !isWatchable(table)),
  );
  const sizes = await measure(source, measured, isWatchable);
  let copied = 0;
  const fits = (bytes: number): boolean => copied + bytes <= COPY_BYTES_MAX;
  for (const table of tables) {
    const size = sizes.get(table);
    const columns = rowColumns(table).length;
    held.rowsRead += size?.rowsRead ?? 0;
    if (isKeyValues(table)) {
      held.heldBy.push("copy");
    } else if (isWatchable(table)) {
      const isSmall =
        size !== undefined && size.rows <= SMALL_ROWS_MAX && size.bytes <= SMALL_BYTES_MAX;
      const isGathered = isSmall && columns <= GATHERED_COLUMNS_MAX && fits(size.bytes);
      if (isGathered) copied += size.bytes;
      held.heldBy.push(isGathered ? "gathering" : "undo");
    } else if (size !== undefined && fits(size.bytes) && columns <= COLUMNS_MAX) {
      copied += size.bytes;
      held.heldBy.push("copy");
    } else if (canWatch(table) && !brokenParents.has(table.name)) {
      throw new ExportError(
        "table-too-wide-for-snapshot",
        `table ${shownName(table.name)} has names that are too long for triggers over it, and it cannot be ` +
          `copied when the snapshot is opened: it has ${size?.bytes ?? 0} bytes in ${columns} columns; ` +
          `at most ${COPY_BYTES_MAX} bytes in all and ${COLUMNS_MAX} columns are copied`,
      );
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

/** The object itself copies its key-value storage, and measures it meanwhile. */
function isKeyValues({ derived }: Table): boolean {
  return derived?.kind === "key-values";
}

/** Of a table that can be watched no more is read than tells that it is not small. */
async function measure(
  source: Source,
  tables: readonly Table[],
  isWatchable: (table: Table) => boolean,
): Promise<ReadonlyMap<Table, TableSize>> {
  const sizes = new Map<Table, TableSize>();
  for (let at = 0; at < tables.length; at += MEASURED_AT_ONCE) {
    const group = tables.slice(at, at + MEASURED_AT_ONCE);
    const queries = group.map((table) => {
      if (!isWatchable(table)) return sizeQueries(table);
      const keySpan = hasIntegerKey(table) ? { keySpanMax: SMALL_KEYS_MAX } : {};
      return sizeQueries(table, { rowsMax: SMALL_ROWS_MAX + 1, ...keySpan });
    });
    const found = sizesFrom(queries, await source.transaction(queries.flat()));
    for (const [index, table] of group.entries()) sizes.set(table, found[index] as TableSize);
  }
  return sizes;
}
