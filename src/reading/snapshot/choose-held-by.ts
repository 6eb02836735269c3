import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import { shortenName } from "../../sqlite/statement-length.ts";
import { hasIntegerKey, listRowColumns, type Table } from "../../sqlite/catalog.ts";
import { KIB, MIB } from "../../api/limits.ts";
import { ExportError } from "../../api/errors.ts";
import type { Source, SourceStatement } from "../../databases/source.ts";
import { buildSizeQueries, parseSizes, type TableSize } from "../../sqlite/table-size.ts";
import { fitsKeptPage } from "./kept-pages.ts";
import { canWatch } from "./layout.ts";
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
 * If there are more tables than this, pages of small ones are kept instead of watching them: all that are cheap, and
 * others until no more than this many are watched. Watching takes five CREATEs per table, each of which walks through
 * the whole schema: 500 tables take 0.8 s in one turn (November 2026), and the time grows with the square of their
 * number. A few larger tables are better watched, since their writers then pay only for what they write.
 */
export const MANY_TABLES = 50;

/**
 * The most bytes of values whose pages are kept. Each MiB takes up to 30 ms of the turn that opens the snapshot
 * (November 2026, on a loaded machine).
 */
const KEPT_BYTES_MAX = 48 * MIB;

/**
 * A page of at most this many bytes takes no more of that turn than the five CREATEs of a watched table: 1.6 ms in a
 * schema of 500 tables, and 3 ms in one of 3,000 (November 2026).
 */
const CHEAP_PAGE_BYTES = 64 * KIB;

/**
 * The most bytes of values if all pages are cheap. Of 3,000 tables of 24 KB, 48 MiB left 700 to be watched. Their
 * triggers are more than SQLite's cache of 2 MB holds, so each CREATE and DROP read the schema from the file: the job
 * took 14 s of CPU instead of 6.5 (November 2026).
 */
const CHEAP_KEPT_BYTES_MAX = 96 * MIB;

/** How many rows of a table show how long its rows are, if its keys show how many it has. */
const SAMPLE_ROWS = 20;

/** The most rows that are read of a table whose keys show nothing. */
const COUNTED_ROWS_MAX = 100;

/** Tables measured in one turn. */
const MEASURED_AT_ONCE = 100;

export interface HeldTables {
  /** One per table, in the order of the tables. */
  heldBy: HeldBy[];
  /** The statements that keep pages, one per table that is held by one, in the order of the tables. */
  keepPages: SourceStatement[];
  /** A sentence for each table that is not from the instant. */
  warnings: string[];
  /** About how many bytes the copies and the kept pages have. */
  bytes: number;
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
    /** Returns the statement that keeps a table's page; undefined if there can be none. */
    keepPage: (table: Table) => SourceStatement | undefined;
    manyTables?: number | undefined;
    cheapPageBytes?: number | undefined;
  },
): Promise<HeldTables> {
  const { brokenParents, manyTables = MANY_TABLES, cheapPageBytes = CHEAP_PAGE_BYTES } = choice;
  const held: HeldTables = { heldBy: [], keepPages: [], warnings: [], bytes: 0, rowsRead: 0 };
  const watchable = new Set(
    tables.filter(
      (table) => canWatch(table) && !brokenParents.has(table.name) && choice.fitsTriggers(table),
    ),
  );
  const isWatchable = (table: Table): boolean => watchable.has(table);
  const isMany = tables.length > manyTables;
  const kept = await chooseKept(source, isMany ? [...watchable] : [], {
    ...choice,
    manyTables,
    cheapPageBytes,
  });
  held.rowsRead += kept.rowsRead;
  held.bytes += kept.bytes;
  let copied = 0;
  const fits = (bytes: number): boolean => copied + bytes <= COPY_BYTES_MAX;
  for (const table of tables) {
    const columns = listRowColumns(table).length;
    if (isKeyValues(table)) {
      held.heldBy.push("copy");
      continue;
    }
    if (isWatchable(table)) {
      const keepPage = kept.statements.get(table);
      held.heldBy.push(keepPage === undefined ? "undo" : "page");
      if (keepPage !== undefined) held.keepPages.push(keepPage);
      continue;
    }
    const size = await measureCopy(source, table, COPY_BYTES_MAX - copied);
    held.rowsRead += size.rowsRead;
    if (size.isWhole && fits(size.bytes) && columns <= COLUMNS_MAX) {
      copied += size.bytes;
      held.bytes += size.bytes;
      held.heldBy.push("copy");
    } else if (canWatch(table) && !brokenParents.has(table.name)) {
      throw new ExportError(
        "table-too-wide-for-snapshot",
        `table ${shortenName(table.name)} has names that are too long for triggers over it, and it cannot be ` +
          `copied when the snapshot is opened: it has ${size.bytes} bytes in ${columns} columns; ` +
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
      `${watched} tables are too large to be kept as one page each, and triggers watch at most ${WATCHED_TABLES_MAX}`,
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

/**
 * Chooses the tables whose pages are kept: those whose pages are cheap, then the smallest ones, until few enough are
 * left to be watched. Sizes are estimates, for which few rows are read.
 */
async function chooseKept(
  source: Source,
  tables: readonly Table[],
  choice: {
    keepPage: (table: Table) => SourceStatement | undefined;
    manyTables: number;
    cheapPageBytes: number;
  },
): Promise<{ statements: ReadonlyMap<Table, SourceStatement>; bytes: number; rowsRead: number }> {
  const kept = new Map<Table, SourceStatement>();
  const found = await estimate(source, tables);
  const fitting = found.sizes.filter(({ table, ...size }) => fitsKeptPage(table, size));
  let keptBytes = 0;
  for (const { table, bytes } of fitting.toSorted((one, other) => one.bytes - other.bytes)) {
    const isCheap = bytes <= choice.cheapPageBytes;
    if (keptBytes + bytes > (isCheap ? CHEAP_KEPT_BYTES_MAX : KEPT_BYTES_MAX)) break;
    if (!isCheap && tables.length - kept.size <= choice.manyTables) break;
    const statement = choice.keepPage(table);
    if (statement === undefined) continue;
    kept.set(table, statement);
    keptBytes += bytes;
  }
  return { statements: kept, bytes: keptBytes, rowsRead: found.rowsRead };
}

/** About how many rows and bytes tables have at most, if a few rows show it; infinitely many if not. */
async function estimate(
  source: Source,
  tables: readonly Table[],
): Promise<{ sizes: { table: Table; rows: number; bytes: number }[]; rowsRead: number }> {
  const sizes: { table: Table; rows: number; bytes: number }[] = [];
  let rowsRead = 0;
  for (let at = 0; at < tables.length; at += MEASURED_AT_ONCE) {
    const group = tables.slice(at, at + MEASURED_AT_ONCE).map((table) => {
      const measuresKeys = hasIntegerKey(table);
      const rowsMax = measuresKeys ? SAMPLE_ROWS : COUNTED_ROWS_MAX + 1;
      return { table, rowsMax, queries: buildSizeQueries(table, { rowsMax, measuresKeys }) };
    });
    const queries = group.map((each) => each.queries);
    const found = parseSizes(queries, await source.transaction(queries.flat()));
    for (const [index, { table, rowsMax }] of group.entries()) {
      const size = found[index] as TableSize;
      rowsRead += size.rowsRead;
      sizes.push({ table, ...extrapolate(size, rowsMax) });
    }
  }
  return { sizes, rowsRead };
}

function extrapolate(
  { rows, bytes, keySpan = Number.POSITIVE_INFINITY }: TableSize,
  rowsMax: number,
) {
  if (rows < rowsMax) return { rows, bytes };
  const rowsAtMost = keySpan + 1;
  return { rows: rowsAtMost, bytes: (rowsAtMost * bytes) / rows };
}
