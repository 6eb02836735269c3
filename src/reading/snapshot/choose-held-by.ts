import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { shortenName } from "../../sqlite/statement-length.ts";
import { hasIntegerKey, listRowColumns, type Table } from "../../sqlite/catalog.ts";
import { KIB, MIB } from "../../api/limits.ts";
import { ExportError } from "../../api/errors.ts";
import type { Source } from "../../databases/source.ts";
import { buildSizeQueries, parseSizes, type TableSize } from "../../sqlite/table-size.ts";
import { canWatch, GATHERED_COLUMNS_MAX } from "./layout.ts";
import type { HeldBy } from "../../rpc/snapshot-record.ts";

/**
 * The most bytes that are copied when a snapshot is opened, for all tables together: one turn must
 * be enough.
 */
const COPY_BYTES_MAX = 16 * MIB;
const COPY_ROWS_MAX = 500_000;

/**
 * How many rows of a possible copy are read at first, and how many times more in each later step,
 * as long as all rows read so far have few bytes: a row may have 2 MB. Reading 291 MiB of FTS5 as a
 * whole took 243 ms of one turn, only to find it too large (November 2026).
 */
const COPY_ROWS_AT_FIRST = 8;
const COPY_ROWS_GROWTH = 8;

/**
 * The most tables that triggers watch. Opening 500 takes 0.7 s of CPU in one turn, 1,000 take 2.9 s
 * and 1,500 take 8 s (November 2026), and a Durable Object has 30 s for one call.
 */
export const WATCHED_TABLES_MAX = 1_000;

/** A result may have 100 columns, so a copied table may have no more. */
const COLUMNS_MAX = 100;

/**
 * If there are more tables than this, small ones are copied into one table instead of being
 * watched. Watching takes five CREATEs per table, each of which walks through the whole schema: 500
 * tables take half a second in one turn (November 2026), and the time grows with the square of
 * their number. With fewer tables all are watched, since their writers then pay only for what they
 * write.
 */
export const MANY_TABLES = 50;

/** The limits of a small table. A copied row costs one written row; a watched table costs six. */
export const SMALL_ROWS_MAX = 100;
const SMALL_BYTES_MAX = 64 * KIB;

/**
 * A table whose integer keys are further apart than this is large: its rows are not read to check.
 */
const SMALL_KEYS_MAX = 1_000;

/** Tables measured in one turn. */
const MEASURED_AT_ONCE = 100;

export interface HeldTables {
  /** One per table, in the order of the tables. */
  heldBy: HeldBy[];
  /** A sentence for each table that is not from the instant. */
  warnings: string[];
  rowsRead: number;
}

/**
 * Decides what keeps each table at the instant, and reads only as much of it as the decision needs.
 * Errors: `too-many-tables-for-snapshot`, and `table-too-wide-for-snapshot` if a table's names are
 * too long for triggers and its rows too large for a copy.
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

/** The object itself copies its key-value storage, and measures it at the same time. */
function isKeyValues({ derived }: Table): boolean {
  return derived?.kind === "key-values";
}

interface Size extends TableSize {
  /** False if the table has more rows than were read. */
  isWhole: boolean;
}

/** Measures a table that may be copied: a few rows at first, then more. */
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
    // Enough more rows to read about all bytes at most, if they are like the rows so far.
    const fitting = Math.ceil((bytesMax * size.rows) / Math.max(size.bytes, 1)) + 1;
    limit = Math.min(limit * COPY_ROWS_GROWTH, Math.max(fitting, limit + 1), COPY_ROWS_MAX + 1);
  }
  return size;
}

/** From each table only enough is read to see that it is not small. */
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
