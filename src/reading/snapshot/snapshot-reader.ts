import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import type { RowExpression } from "../../sqlite/column-sql.ts";
import { type Statement } from "../../sqlite/page-query.ts";
import { selectLiveRows, type RowSelect } from "../../sqlite/row-select.ts";
import { hasIntegerKey, type Table } from "../../sqlite/catalog.ts";
import { ExportError } from "../../api/errors.ts";
import { findQueryProblem } from "../../databases/query-problem.ts";
import type { Source, SourceResult } from "../../databases/source.ts";
import type { KeptPage, TableExtent, TableReader } from "../table-reader.ts";
import type { CommittedPosition } from "./committed-position.ts";
import { KeptPageReader } from "./kept-page-reader.ts";
import { selectCopiedRows } from "./layout.ts";
import { SnapshotNames, startsWithSql, findWatchedTable } from "./names.ts";
import { LEASE_SECONDS } from "./opening-statements.ts";
import type { SnapshotRecord, SnapshotTable } from "../../rpc/snapshot-record.ts";
import { WITNESS, witnessSql } from "./triggers.ts";
import { chooseUndoLog } from "./undo-log.ts";

/**
 * A page is read only if this much of the lease is left, in seconds: the lease must outlast the
 * page's turn.
 */
const LEASE_LEFT_MIN = 60;

/** Columns of the check's one row. */
const CHECK_COLUMNS = 5;

interface WatchedTable {
  table: Table;
  /** Part of the names of the snapshot's objects. */
  number: number;
}

interface FoundTrigger {
  name: string;
  table: string;
  /** Its row in `sqlite_master`. */
  place: number;
}

/**
 * Reads tables as they were when a snapshot was opened. Each page contains, from its own turn, the
 * evidence that it can be trusted. Call `requireIntact` after the last page of a commit, since only
 * triggers that still exist have existed all the time.
 *
 * Errors of every call: `snapshot-lost` if the snapshot is gone or its lease has expired,
 * `undo-too-large`, and the source's own.
 */
export class SnapshotReader implements TableReader {
  readonly longRowsPageBytes: number;
  readonly #source: Source;
  readonly #record: SnapshotRecord;
  readonly #names: SnapshotNames;
  readonly #undoBytesMax: number;
  readonly #tables: Map<string, SnapshotTable>;
  /** Tables whose undo log was seen to contain something. */
  readonly #changed = new Set<string>();
  /** By the number of a watched table: the position of its witness in `sqlite_master`. */
  readonly #places = new Map<number, number>();
  readonly #keptPages: KeptPageReader;
  #foundTriggers: Promise<FoundTrigger[]> | undefined;
  #renews = false;

  /**
   * `limits` come from the current configuration; the record's own limit, which the triggers
   * enforce, takes precedence.
   */
  constructor(source: Source, record: SnapshotRecord, limits: { undoBytesMax: number }) {
    this.longRowsPageBytes = source.longRowsPageBytes;
    this.#source = source;
    this.#record = record;
    this.#names = new SnapshotNames(record.snapshotId);
    this.#undoBytesMax = record.undoBytesMax ?? limits.undoBytesMax;
    this.#tables = new Map(record.tables.map((table) => [table.name, table]));
    this.#keptPages = new KeptPageReader(record, async (statement) => {
      const [result] = (await this.#run([statement])).read;
      return result as SourceResult;
    });
  }

  /** The table's last key at the instant, or the length of its kept page. */
  extent(table: Table): TableExtent {
    const held = this.#tables.get(table.name);
    if (held?.heldBy === "empty") return { rowsMax: 0 };
    if (held?.pageBytes !== undefined) return { bytes: held.pageBytes };
    if (held?.heldBy !== "undo" || held.end === null || !hasIntegerKey(table)) return {};
    return { lastKey: BigInt(held.end) };
  }

  async readRows(table: Table, build: (rows: RowSelect) => Statement[]): Promise<SourceResult[]> {
    const held = this.#tables.get(table.name);
    if (held === undefined) throw lost(`table ${q(table.name)} is not in it`);
    if (held.heldBy === "nothing") return (await this.#run(build(selectLiveRows(table)))).read;
    if (held.heldBy === "empty")
      return (await this.#run(build(selectLiveRows(table, () => "0")))).read;
    if (held.heldBy === "copy") {
      return (await this.#run(build(selectCopiedRows(this.#names.copy(held.number), table)))).read;
    }
    const watched = { table, number: held.number };
    if (!this.#changed.has(table.name)) {
      const results = await this.#run(build(unchangedRows(table, held)), watched);
      // Another page may have found an entry meanwhile: what counts is that this turn had none.
      if (!results.hasEntry) return results.read;
    }
    return (await this.#run(build(mergedRows(this.#names, table, held)), watched)).read;
  }

  keptPage(table: Table): (() => Promise<KeptPage>) | undefined {
    const held = this.#tables.get(table.name);
    if (held?.heldBy !== "page") return undefined;
    return async () => {
      const { row, ...read } = await this.#keptPages.take(held.number);
      if (row === undefined) throw lost(`the page of table ${q(table.name)} is gone`);
      return { row, ...read };
    };
  }

  async readOther({ sql }: Statement): Promise<SourceResult> {
    const number = this.#record.texts.indexOf(sql);
    if (number < 0) throw lost("a text that is asked for was not kept");
    const kept = `SELECT result FROM ${q(this.#names.texts)} WHERE n = ${number}`;
    const [result] = (await this.#run([{ sql: kept, params: [] }])).read;
    return result as SourceResult;
  }

  /**
   * Runs `statements` and the check in one turn. Returns the statements' results, and whether the
   * table's log had an entry in that turn.
   */
  async #run(
    statements: Statement[],
    watched?: WatchedTable,
  ): Promise<{ read: SourceResult[]; hasEntry: boolean }> {
    const state = q(this.#names.state);
    const renewal = `UPDATE ${state} SET lease_until = unixepoch() + ${LEASE_SECONDS} WHERE lease_until > unixepoch()`;
    const results = await this.#transaction([
      this.#check(watched),
      ...statements,
      ...(this.#renews ? [{ sql: renewal, params: [] }] : []),
    ]);
    const [checked, ...others] = results;
    const hasEntry = this.#trust(checked as SourceResult, watched);
    const read = others.slice(0, statements.length);
    const [first] = read;
    if (first !== undefined) first.rowsRead += checked?.rowsRead ?? 0;
    return { read, hasEntry };
  }

  /**
   * Returns the query that checks, in the page's own turn, whether the page can be trusted. A
   * watched table must have its witness: otherwise a table that was renamed in between would be
   * read under another's name. `requireIntact` checks that it has all of its triggers.
   */
  #check(watched: WatchedTable | undefined): Statement {
    const state = `snapshot_id, lease_until - unixepoch(), undo_bytes`;
    const from = `FROM ${q(this.#names.state)}`;
    if (watched === undefined) {
      return { sql: `SELECT ${state}, 0, 1 ${from}`, params: [], columns: CHECK_COLUMNS };
    }
    const { table, number } = watched;
    const hasEntry = chooseUndoLog(this.#names, number, table).hasEntrySql();
    const place = this.#places.get(number);
    const witness = "SELECT 1 FROM sqlite_master WHERE sql = ?1";
    // If it is not in its position, it may be in another: only then are all of them read.
    const isInPlace = place === undefined ? "" : `EXISTS (${witness} AND rowid = ${place}) OR `;
    return {
      sql: `SELECT ${state}, ${hasEntry}, ${isInPlace}EXISTS (${witness}) ${from}`,
      params: [witnessSql(this.#names, number, table)],
      columns: CHECK_COLUMNS,
    };
  }

  /** Returns whether the log of `watched` has an entry. */
  #trust({ rows }: SourceResult, watched: WatchedTable | undefined): boolean {
    const [id, leaseLeft, undoBytes, hasEntry, isWatched] = rows[0] ?? [];
    if (id !== this.#record.snapshotId) throw lost("its state is gone");
    if (isWatched !== 1) {
      throw lost(`table ${q(watched?.table.name ?? "")} was altered, renamed or recreated`);
    }
    const isChanged = watched !== undefined && hasEntry === 1;
    if (isChanged) this.#changed.add(watched.table.name);
    // Checked before the lease, which the triggers end when the log is full.
    if (Number(undoBytes) > this.#undoBytesMax) {
      throw new ExportError(
        "undo-too-large",
        `writers changed more than ${this.#undoBytesMax} bytes of rows while the export ran, ` +
          `and the snapshot keeps no more`,
      );
    }
    if (Number(leaseLeft) < LEASE_LEFT_MIN) throw lost("its lease has expired");
    this.#renews = Number(leaseLeft) < LEASE_SECONDS / 2;
    return isChanged;
  }

  async #transaction(statements: Statement[]): Promise<SourceResult[]> {
    try {
      return await this.#source.transaction(statements);
    } catch (error) {
      if (findQueryProblem(error) !== "missing") throw error;
      throw lost((error as Error).message, error);
    }
  }

  /** Requests what the next call of `advance` needs, which another request may then not wait for. */
  prepareAdvance(): void {
    this.#foundTriggers = this.#triggers();
    // `advance` throws the same error.
    this.#foundTriggers.catch(() => {});
  }

  /**
   * Reports to the triggers what is committed, and drops those of finished tables. It only moves
   * forward, so that a late call changes nothing. Call it before the first page of a chunk.
   */
  async advance(position: CommittedPosition): Promise<void> {
    const { checkpoint, finished, current } = position;
    const statements: Statement[] = [];
    const held = current === undefined ? undefined : this.#tables.get(current.table);
    const key = current?.after?.[0];
    if (held?.heldBy === "undo" && held.end !== null && key !== undefined && "literal" in key) {
      const isInteger = /^-?\d+$/.test(key.literal);
      if (isInteger && current?.after?.length === 1) {
        statements.push({
          sql:
            `UPDATE ${q(this.#names.cursor)} SET k0 = CAST(?1 AS INTEGER), ` +
            `checkpoint = CAST(?2 AS INTEGER) ` +
            `WHERE t = ${held.number} AND checkpoint < CAST(?2 AS INTEGER)`,
          params: [key.literal, String(checkpoint)],
        });
      }
    }
    const finishedNumbers = new Set(
      this.#record.tables.filter((table) => finished.has(table.name)).map((table) => table.number),
    );
    const triggers = this.#foundTriggers ?? this.#triggers();
    this.#foundTriggers = undefined;
    for (const { name, place } of await triggers) {
      const number = findWatchedTable(name, this.#names);
      if (number === undefined) continue;
      if (name === this.#names.trigger(number, WITNESS)) this.#places.set(number, place);
      if (finishedNumbers.has(number)) {
        statements.push({ sql: `DROP TRIGGER IF EXISTS ${q(name)}`, params: [] });
      }
    }
    if (statements.length > 0) await this.#transaction(statements);
  }

  /**
   * Errors: `snapshot-lost` if a table that is not `finished`, or the undo log, lacks one of its
   * triggers.
   */
  async requireIntact(finished: ReadonlySet<string>): Promise<void> {
    const counts = new Map<string, number>();
    let logTriggers = 0;
    for (const { name, table } of await this.#triggers()) {
      const number = findWatchedTable(name, this.#names);
      if (number === undefined) logTriggers += 1;
      const key = `${number} ${table}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    if (logTriggers < (this.#record.logTriggers ?? 0)) {
      throw lost("a trigger of its undo log was dropped");
    }
    for (const { name, number, heldBy, triggers } of this.#record.tables) {
      if (heldBy !== "undo" || finished.has(name)) continue;
      if (counts.get(`${number} ${name}`) === triggers) continue;
      throw lost(`table ${q(name)} was dropped, renamed or recreated`);
    }
  }

  /** All triggers of the snapshot, and their positions in `sqlite_master`. */
  async #triggers(): Promise<FoundTrigger[]> {
    const { rows } = await this.#source.query({
      sql:
        `SELECT name, tbl_name, rowid FROM sqlite_master WHERE type = 'trigger' ` +
        `AND ${startsWithSql("name", this.#names.prefix)}`,
    });
    return rows.map(([name, table, place]) => ({
      name: String(name),
      table: String(table),
      place: Number(place),
    }));
  }
}

/**
 * All rows of a table whose log is empty: rows added after its end are not in the log. A bounded
 * range ends by then (see `extent`). With both bounds, SQLite would use one of them and test each
 * row by the other.
 */
function unchangedRows(table: Table, held: SnapshotTable): RowSelect {
  const bounded = selectLiveRows(table);
  const upTo = selectLiveRows(table, upToEnd(table, held));
  return (range) => (range.isBounded === true ? bounded : upTo)(range);
}

/** Rows that are not in the log, and those that the log has kept. */
function mergedRows(names: SnapshotNames, table: Table, held: SnapshotTable): RowSelect {
  const log = chooseUndoLog(names, held.number, table);
  const isUpToEnd = upToEnd(table, held);
  return (range) => {
    const live = selectLiveRows(table, (column) => {
      const key = table.key.map(({ name }) => column(name));
      const end = range.isBounded === true ? "" : isUpToEnd(column);
      return `${end === "" ? "" : `${end} AND `}NOT ${log.hasEntrySql(key)}`;
    });
    const orderBy = range.orderBy === "" ? "" : ` ORDER BY ${range.orderBy}`;
    return (
      `SELECT * FROM (${live(range)}) UNION ALL SELECT * FROM (${log.savedRows(range)})${orderBy} ` +
      `LIMIT ${range.limit}`
    );
  };
}

function upToEnd(table: Table, held: SnapshotTable): RowExpression {
  const [key] = table.key;
  if (!hasIntegerKey(table) || key === undefined || held.end === null) return () => "";
  return (column) => `${column(key.name)} <= ${held.end}`;
}

function lost(reason: string, cause?: unknown): ExportError {
  return new ExportError("snapshot-lost", `the snapshot is lost: ${reason}`, { cause });
}
