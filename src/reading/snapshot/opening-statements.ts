import { copyKeyValuesSql } from "../../sqlite/key-values.ts";
import { quoteIdentifier as q, quoteText } from "../../sqlite/identifier.ts";
import { shortenName } from "../../sqlite/statement-length.ts";
import { hasIntegerKey, type Catalog, type Table } from "../../sqlite/catalog.ts";
import type { DumpPlan } from "../../formats/plan.ts";
import type { SourceStatement } from "../../databases/source.ts";
import type { HeldBy } from "../../rpc/snapshot-record.ts";
import { ExportError } from "../../api/errors.ts";
import { STATEMENT_BYTES_MAX } from "../../api/limits.ts";
import { addSums, createPagesSql } from "./kept-pages.ts";
import { copyRowsSql } from "./layout.ts";
import type { SnapshotNames } from "./names.ts";
import { keyColumnsSql } from "./row-sql.ts";
import { type Watch, watchTable } from "./triggers.ts";
import { createSharedLogSql, sharesLog } from "./undo-log.ts";

/**
 * How long triggers work after the last page, in seconds: longer than it takes to rescue a stalled
 * run.
 */
export const LEASE_SECONDS = 1_800;

/** A table, and how it is kept at the instant. */
interface HeldTable extends Watch {
  table: Table;
  number: number;
  heldBy: HeldBy;
}

/** What runs in the turn that opens a snapshot. */
export interface Opening {
  /** In the order of the plan. */
  tables: HeldTable[];
  /** Queries whose texts are kept, in the order of their numbers. */
  texts: string[];
  statements: SourceStatement[];
  /** How many triggers the statements create on the snapshot's own tables: those of its logs. */
  logTriggers: number;
}

/**
 * Returns the statements that open a snapshot: its state and cursor, its logs, and for each table
 * of the plan the triggers or the copy that keep it at the instant. `heldBy` has one entry per
 * table.
 *
 * Errors: `table-too-wide-for-snapshot` if a statement for a table is too long.
 */
export function planOpening(
  names: SnapshotNames,
  snapshot: { snapshotId: string; jobId: string; undoBytesMax: number },
  read: {
    plan: DumpPlan;
    triggers: Catalog["triggers"];
    heldBy: readonly HeldBy[];
    /** The statements that keep pages. */
    keepPages: readonly SourceStatement[];
  },
): Opening {
  const { undoBytesMax } = snapshot;
  const { plan, triggers, keepPages } = read;
  const tables = plan.tables.map((table, number): HeldTable => {
    const heldBy = read.heldBy[number] as HeldBy;
    const held = holdTable(names, { table, number, heldBy }, { triggers, undoBytesMax });
    return { table, number, heldBy, ...held };
  });
  const texts = plan.artifacts.flatMap(({ segments }) =>
    segments.flatMap((segment) => (segment.kind === "query" ? [segment.sql] : [])),
  );
  const sql = [
    ...createStateSql(names, snapshot),
    ...createCommonSql(names, tables, undoBytesMax),
    ...tables.flatMap((each) => each.statements),
    ...texts.map(
      (text, number) => `INSERT INTO ${q(names.texts)} (n, result) SELECT ${number}, (${text})`,
    ),
  ];
  const kept = tables.flatMap(({ number, heldBy }) => (heldBy === "page" ? [number] : []));
  const pages =
    kept.length === 0 ? [] : [{ sql: createPagesSql(names) }, ...addSums(names, keepPages, kept)];
  const statements = [...sql.map((each) => ({ sql: each })), ...pages];
  return { tables, texts, statements, logTriggers: countLogTriggers(sql, tables) };
}

function countLogTriggers(statements: string[], tables: readonly Watch[]): number {
  const triggers = statements.filter((sql) => sql.startsWith("CREATE TRIGGER "));
  return triggers.length - tables.reduce((sum, table) => sum + table.triggers, 0);
}

function createStateSql(
  names: SnapshotNames,
  { snapshotId, jobId }: { snapshotId: string; jobId: string },
): string[] {
  return [
    // WITHOUT ROWID: inserts do not change `last_insert_rowid()`.
    `CREATE TABLE ${q(names.state)} (snapshot_id TEXT PRIMARY KEY, job_id TEXT, lease_until INTEGER, ` +
      `undo_bytes INTEGER) WITHOUT ROWID`,
    `INSERT INTO ${q(names.state)} VALUES ` +
      `(${quoteText(snapshotId)}, ${quoteText(jobId)}, unixepoch() + ${LEASE_SECONDS}, 0)`,
    `CREATE TABLE ${q(names.cursor)} (t INTEGER PRIMARY KEY, checkpoint INTEGER, k0, e0) WITHOUT ROWID`,
    `CREATE TABLE ${q(names.texts)} (n INTEGER PRIMARY KEY, result) WITHOUT ROWID`,
  ];
}

/** The objects that several tables share. */
function createCommonSql(
  names: SnapshotNames,
  tables: readonly { table: Table; heldBy: HeldBy }[],
  undoBytesMax: number,
): string[] {
  const heldBy = (by: HeldBy) => tables.filter((each) => each.heldBy === by);
  const sharing = heldBy("undo").flatMap(({ table }) => (sharesLog(table) ? [table] : []));
  return [...(sharing.length > 0 ? createSharedLogSql(names, sharing, undoBytesMax) : [])];
}

/** Errors: `table-too-wide-for-snapshot` if a statement for the table is too long. */
function holdTable(
  names: SnapshotNames,
  { table, number, heldBy }: Omit<HeldTable, keyof Watch>,
  limits: { triggers: Catalog["triggers"]; undoBytesMax: number },
): Watch {
  if (heldBy === "undo") {
    const watch = watchTable(names, number, table, limits);
    return { ...watch, statements: [endSql(names, number, table), ...watch.statements] };
  }
  const statements = copySql(names, { table, number, heldBy });
  if (statements.some((sql) => Buffer.byteLength(sql) > STATEMENT_BYTES_MAX)) {
    const message = `the names of table ${shortenName(table.name)} are too long for a statement that copies its rows`;
    throw new ExportError("table-too-wide-for-snapshot", message);
  }
  return { statements, triggers: 0 };
}

function copySql(
  names: SnapshotNames,
  { table, number, heldBy }: Omit<HeldTable, keyof Watch>,
): string[] {
  if (table.derived?.kind === "key-values") return [copyKeyValuesSql(names.copy(number))];
  return heldBy === "copy" ? copyRowsSql(names.copy(number), table) : [];
}

/** Statement that records where a watched table ends. */
function endSql(names: SnapshotNames, number: number, table: Table): string {
  const [key] = keyColumnsSql("t", table.key);
  const last = hasIntegerKey(table)
    ? `(SELECT max(${key}) FROM ${q(table.name)} AS t)`
    : `(SELECT 1 FROM ${q(table.name)} LIMIT 1)`;
  return `INSERT INTO ${q(names.cursor)} (t, checkpoint, e0) SELECT ${number}, 0, ${last}`;
}
