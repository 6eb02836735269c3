import { parseCatalog, parseSchema, SCHEMA_QUERY } from "../../dump/catalog.ts";
import { quoteIdentifier as q, quoteText } from "../../dump/identifier.ts";
import type { DumpPlan } from "../../dump/plan.ts";
import type { Catalog, Table } from "../../model/catalog.ts";
import { ExportError } from "../../model/error.ts";
import { readCatalogRows } from "../read-catalog.ts";
import type { Source, SourceResult } from "../source.ts";
import { closeSnapshot, type OtherSnapshot, sweepSnapshots } from "./close-snapshot.ts";
import { chooseHeldBy } from "./choose-held-by.ts";
import {
  copyColumns,
  copyRowsSql,
  createGatheringSql,
  gatherRowsSql,
  hasIntegerKey,
} from "./layout.ts";
import { SnapshotNames } from "./names.ts";
import type { HeldBy, SnapshotRecord, SnapshotTable } from "./record.ts";
import { deepTriggerWarnings } from "./trigger-depth.ts";
import { TRIGGERS_PER_TABLE, watchTableSql } from "./triggers.ts";
import { createSharedLogSql, sharesLog } from "./undo-log.ts";

/** How long triggers work after the last page, in seconds: longer than a stalled run takes to be rescued. */
export const LEASE_SECONDS = 1_800;

/** How often a schema may change in the moment of opening. */
const OPENINGS_MAX = 5;

export interface OpenRequest {
  /** A new one for every opening. */
  snapshotId: string;
  jobId: string;
  /** What is to be read of a catalog. */
  planOf: (catalog: Catalog) => DumpPlan;
  /**
   * True for snapshots that nobody reads any more, although their lease has not run out: those of jobs
   * that are over, and of earlier tries of the same job.
   */
  isLeftover: (snapshot: OtherSnapshot) => boolean | Promise<boolean>;
  /** Above so many tables the small ones are copied; default `MANY_TABLES`. */
  manyTables?: number;
}

export interface OpenedSnapshot {
  record: SnapshotRecord;
  catalog: Catalog;
  plan: DumpPlan;
  /** The source's own clock in the opening turn. */
  atMs: number;
  /** What is not from the instant, a sentence each. */
  warnings: string[];
  rowsRead: number;
  rowsWritten: number;
}

/**
 * Freezes a source: from one turn of it on, `SnapshotReader` reads its tables as they were in that
 * turn. Leftovers of others are removed first. A try that fails leaves nothing behind, or what a
 * later opening or `closeSnapshot` removes.
 *
 * Errors: `snapshot-busy` where another snapshot is alive, `table-too-wide-for-snapshot`,
 * `too-many-tables-for-snapshot`, `schema-changed` where the schema changes again and again in the moment of opening, those of
 * `planOf` and the source's own.
 */
export async function openSnapshot(source: Source, request: OpenRequest): Promise<OpenedSnapshot> {
  const { snapshotId, jobId, planOf, isLeftover } = request;
  await requireAlone(source, { isLeftover });
  const names = new SnapshotNames(snapshotId);
  for (let opening = 1; opening <= OPENINGS_MAX; opening += 1) {
    const before = await readCatalogRows(source);
    const catalog = parseCatalog(before);
    const plan = planOf(catalog);
    const held = await chooseHeldBy(source, plan.tables, request.manyTables);
    const tables = plan.tables.map((table, number) => ({
      table,
      number,
      heldBy: held.heldBy[number] as HeldBy,
    }));
    const texts = plan.artifacts.flatMap(({ segments }) =>
      segments.flatMap((segment) => (segment.kind === "query" ? [segment.sql] : [])),
    );
    const statements = [
      ...createStateSql(names, { snapshotId, jobId }),
      ...createCommonSql(names, tables),
      ...tables.flatMap((each) => holdSql(names, each, catalog)),
      ...texts.map(
        (sql, number) => `INSERT INTO ${q(names.texts)} (n, result) SELECT ${number}, (${sql})`,
      ),
    ];
    const readBack = [
      "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)",
      `SELECT t, CAST(e0 AS TEXT) FROM ${q(names.cursor)} ORDER BY t`,
      SCHEMA_QUERY,
    ];
    let results;
    try {
      results = await source.transaction([...statements, ...readBack].map((sql) => ({ sql })));
    } catch (error) {
      await closeSnapshot(source, snapshotId);
      if (opening < OPENINGS_MAX && isSchemaError(error)) continue;
      throw error;
    }
    const [clock, ends, schema] = results.slice(statements.length);
    if (!isSameSchema(before[0] ?? [], schema?.rows ?? [])) {
      await closeSnapshot(source, snapshotId);
      continue;
    }
    const endOf = new Map(
      (ends?.rows ?? []).map(([number, end]) => [
        Number(number),
        end === null ? null : String(end),
      ]),
    );
    return {
      record: {
        snapshotId,
        tables: tables.map(({ table, number, heldBy }) =>
          recordOf(table, { number, heldBy, end: endOf.get(number) ?? null }),
        ),
        texts,
        logTriggers: countLogTriggers(statements, tables),
      },
      catalog,
      plan,
      atMs: Number(clock?.rows[0]?.[0]),
      warnings: [...held.warnings, ...deepTriggerWarnings(catalog)],
      rowsRead: results.reduce((sum, result) => sum + result.rowsRead, 0) + held.rowsRead,
      rowsWritten: results.reduce((sum, result) => sum + result.rowsWritten, 0),
    };
  }
  throw new ExportError(
    "schema-changed",
    `the schema changed ${OPENINGS_MAX} times while the snapshot was being opened`,
  );
}

/** How many triggers the snapshot has on its own tables: those of its logs. */
function countLogTriggers(statements: string[], tables: readonly { heldBy: HeldBy }[]): number {
  const triggers = statements.filter((sql) => sql.startsWith("CREATE TRIGGER "));
  const watched = tables.filter(({ heldBy }) => heldBy === "undo");
  return triggers.length - watched.length * TRIGGERS_PER_TABLE;
}

/** A watched table that had no last key had no rows. */
function recordOf(
  table: Table,
  { number, heldBy, end }: { number: number; heldBy: HeldBy; end: string | null },
): SnapshotTable {
  const isEmpty = heldBy === "undo" && end === null;
  return { name: table.name, number, heldBy: isEmpty ? "empty" : heldBy, end };
}

/**
 * Removes the snapshots that nobody reads any more; returns the others. Dead tables that resist are in
 * nobody's way: no other snapshot has their names.
 */
export async function sweepLeftovers(
  source: Source,
  isLeftover: OpenRequest["isLeftover"],
): Promise<OtherSnapshot[]> {
  const { kept } = await sweepSnapshots(source, (other) => !other.hasLease || isLeftover(other));
  return kept;
}

async function requireAlone(
  source: Source,
  request: Pick<OpenRequest, "isLeftover">,
): Promise<void> {
  const [other] = await sweepLeftovers(source, request.isLeftover);
  if (other === undefined) return;
  throw new ExportError(
    "snapshot-busy",
    `the database already has a snapshot, which export ${other.jobId} reads`,
    { details: { jobId: other.jobId } },
  );
}

function isSameSchema(before: SourceResult["rows"], after: SourceResult["rows"]): boolean {
  return JSON.stringify(parseSchema(before)) === JSON.stringify(parseSchema(after));
}

function createStateSql(
  names: SnapshotNames,
  { snapshotId, jobId }: { snapshotId: string; jobId: string },
): string[] {
  return [
    // WITHOUT ROWID: what is inserted leaves `last_insert_rowid()` as it was.
    `CREATE TABLE ${q(names.state)} (snapshot_id TEXT PRIMARY KEY, job_id TEXT, lease_until INTEGER, ` +
      `undo_bytes INTEGER) WITHOUT ROWID`,
    `INSERT INTO ${q(names.state)} VALUES ` +
      `(${quoteText(snapshotId)}, ${quoteText(jobId)}, unixepoch() + ${LEASE_SECONDS}, 0)`,
    `CREATE TABLE ${q(names.cursor)} (t INTEGER PRIMARY KEY, checkpoint INTEGER, k0, e0) WITHOUT ROWID`,
    `CREATE TABLE ${q(names.texts)} (n INTEGER PRIMARY KEY, result) WITHOUT ROWID`,
  ];
}

/** What several tables have together. */
function createCommonSql(
  names: SnapshotNames,
  tables: readonly { table: Table; heldBy: HeldBy }[],
): string[] {
  const heldBy = (by: HeldBy) => tables.filter((each) => each.heldBy === by);
  const sharing = heldBy("undo").flatMap(({ table }) => (sharesLog(table) ? [table] : []));
  return [
    ...(heldBy("gathering").length > 0 ? [createGatheringSql(names.gathering)] : []),
    ...(sharing.length > 0 ? createSharedLogSql(names, sharing) : []),
  ];
}

function holdSql(
  names: SnapshotNames,
  { table, number, heldBy }: { table: Table; number: number; heldBy: HeldBy },
  catalog: Catalog,
): string[] {
  if (heldBy === "copy") {
    return copyRowsSql(names.copy(number), table, copyColumns(table));
  }
  if (heldBy === "gathering") return [gatherRowsSql(names.gathering, number, table)];
  if (heldBy !== "undo") return [];
  const [key] = table.key;
  const end = hasIntegerKey(table)
    ? `(SELECT max(${q(key?.name ?? "")}) FROM ${q(table.name)})`
    : `(SELECT 1 FROM ${q(table.name)} LIMIT 1)`;
  return [
    `INSERT INTO ${q(names.cursor)} (t, checkpoint, e0) SELECT ${number}, 0, ${end}`,
    ...watchTableSql(names, number, table, catalog.triggers),
  ];
}

/** What a schema that has just changed makes of statements for the old one. */
function isSchemaError(error: unknown): boolean {
  return (
    error instanceof ExportError &&
    error.code === "source-query-failed" &&
    /no such (table|column|index)|has no column named/i.test(error.message)
  );
}
