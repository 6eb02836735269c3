import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { shortenName } from "../../sqlite/statement-length.ts";
import { listRowColumns, type Table } from "../../sqlite/catalog.ts";
import { KIB, MIB } from "../../api/limits.ts";
import { ExportError } from "../../api/errors.ts";
import type { Source } from "../../databases/source.ts";
import { buildSizeQueries, parseSizes, type TableSize } from "../../sqlite/table-size.ts";
import { canWatch, GATHERED_COLUMNS_MAX, hasIntegerKey } from "./layout.ts";
import type { HeldBy } from "../../rpc/snapshot-record.ts";

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
 * Decides for each table what holds it to the instant, and reads no more of a table than that takes. Errors:
 * `too-many-tables-for-snapshot`, and `table-too-wide-for-snapshot` if a table's names are too long for
 * triggers and its rows too large for a copy.
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
  const sizes = await measure(source, tables.length > manyTables ? [...watchable] : []);
  let copied = 0;
  const fits = (bytes: number): boolean => copied + bytes <= COPY_BYTES_MAX;
  for (const table of tables) {
    const columns = listRowColumns(table).length;
    if (isKeyValues(table)) {
      held.heldBy.push("copy");
      continue;
    }
    const size = isWatchable(table)
      ? sizes.get(table)
      : await measureCopy(source, table, COPY_BYTES_MAX - copied);
    held.rowsRead += size?.rowsRead ?? 0;
    if (isWatchable(table)) {
      const isSmall =
        size !== undefined && size.rows <= SMALL_ROWS_MAX && size.bytes <= SMALL_BYTES_MAX;
      const isGathered = isSmall && columns <= GATHERED_COLUMNS_MAX && fits(size.bytes);
      if (isGathered) copied += size.bytes;
      held.heldBy.push(isGathered ? "gathering" : "undo");
    } else if (size?.isWhole === true && fits(size.bytes) && columns <= COLUMNS_MAX) {
      copied += size.bytes;
      held.heldBy.push("copy");
    } else if (canWatch(table) && !brokenParents.has(table.name)) {
      throw new ExportError(
        "table-too-wide-for-snapshot",
        `table ${shortenName(table.name)} has names that are too long for triggers over it, and it cannot be ` +
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
  const watched = held.heldBy.filter((each) => each === "undo").length;
  if (watched > WATCHED_TABLES_MAX) {
    throw new ExportError(
      "too-many-tables-for-snapshot",
      `${watched} tables are too large to be copied, and triggers watch at most ${WATCHED_TABLES_MAX}`,
    );
  }
  return held;
}

/** The object itself copies its key-value storage, and measures it meanwhile. */
function isKeyValues({ derived }: Table): boolean {
  return derived?.kind === "key-values";
}

interface Size extends TableSize {
  /** False if the table has more than was read of it. */
  isWhole: boolean;
}

/** Measures a table as far as it may be copied: a few rows at first, then more of them. */
async function measureCopy(source: Source, table: Table, bytesMax: number): Promise<Size> {
  const size: Size = { isWhole: false, rows: 0, bytes: 0, rowsRead: 0 };
  let limit = COPY_ROWS_AT_FIRST;
  while (!size.isWhole && size.bytes <= bytesMax && size.rows <= COPY_ROWS_MAX) {
    const queries = buildSizeQueries(table, { rowsMax: limit });
    const [found] = parseSizes([queries], await source.transaction(queries));
    size.rows = found?.rows ?? 0;
    size.bytes = found?.bytes ?? 0;
    size.rowsRead += found?.rowsRead ?? 0;
    size.isWhole = size.rows < limit;
    // So many more that about all bytes are read at most, if the rows are like those so far.
    const fitting = Math.ceil((bytesMax * size.rows) / Math.max(size.bytes, 1)) + 1;
    limit = Math.min(limit * COPY_ROWS_GROWTH, Math.max(fitting, limit + 1), COPY_ROWS_MAX + 1);
  }
  return size;
}

/** Of each table no more is read than tells that it is not small. */
async function measure(
  source: Source,
  tables: readonly Table[],
): Promise<ReadonlyMap<Table, Size>> {
  const sizes = new Map<Table, Size>();
  for (let at = 0; at < tables.length; at += MEASURED_AT_ONCE) {
    const group = tables.slice(at, at + MEASURED_AT_ONCE);
    const queries = group.map((table) => {
      const keySpan = hasIntegerKey(table) ? { keySpanMax: SMALL_KEYS_MAX } : {};
      return buildSizeQueries(table, { rowsMax: SMALL_ROWS_MAX + 1, ...keySpan });
    });
    const found = parseSizes(queries, await source.transaction(queries.flat()));
    for (const [index, table] of group.entries()) {
      sizes.set(table, { isWhole: false, ...(found[index] as TableSize) });
    }
  }
  return sizes;
}
