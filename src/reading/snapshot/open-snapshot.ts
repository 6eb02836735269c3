import { parseCatalog, parseSchema, SCHEMA_QUERY } from "../../sqlite/parse-catalog.ts";
import { quoteIdentifier as q, quoteText } from "../../sqlite/identifier.ts";
import { copyKeyValuesSql, findCopyTarget, parseCopiedKeyValues } from "../../sqlite/key-values.ts";
import type { DumpPlan } from "../../formats/plan.ts";
import { shownName } from "../../sqlite/statement-length.ts";
import type { Catalog, Table } from "../../sqlite/catalog.ts";
import { ExportError } from "../../api/errors.ts";
import { DATABASE_BYTES_MAX, KEY_VALUES_BYTES_MAX, STATEMENT_BYTES_MAX } from "../../api/limits.ts";
import { readCatalogRows, withViewColumns } from "../read-catalog.ts";
import { findQueryProblem } from "../../databases/query-problem.ts";
import type { Source, SourceResult } from "../../databases/source.ts";
import { findBrokenParents } from "./broken-references.ts";
import { closeSnapshot, type OtherSnapshot, sweepSnapshots } from "./close-snapshot.ts";
import { chooseHeldBy } from "./choose-held-by.ts";
import { readCopiedChecks } from "./copied-checks.ts";
import { copyRowsSql, createGatheringSql, gatherRowsSql, hasIntegerKey } from "./layout.ts";
import { SnapshotNames } from "./names.ts";
import type { HeldBy, SnapshotRecord, SnapshotTable } from "../../rpc/snapshot-record.ts";
import { keyOf } from "./row-sql.ts";
import { deepTriggerWarnings } from "./trigger-depth.ts";
import { fitsTriggers, type Watch, watchTable } from "./triggers.ts";
import { createSharedLogSql, sharesLog } from "./undo-log.ts";
import { writeOrderWarnings } from "./write-order.ts";

/** How long triggers work after the last page, in seconds: longer than a stalled run takes to be rescued. */
export const LEASE_SECONDS = 1_800;

/** How often a schema may change in the moment of opening. */
const OPENINGS_MAX = 5;

export interface OpenRequest {
  /** A new one for every opening. */
  snapshotId: string;
  jobId: string;
  /** What the undo log may hold; the triggers stop at the first entry that passes it. */
  undoBytesMax: number;
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
 * Errors: `snapshot-busy` if another snapshot is alive, `no-space-for-snapshot`, `table-too-wide-for-snapshot`,
 * `too-many-tables-for-snapshot`,
 * `schema-changed` where the schema changes again and again in the moment of opening, those of
 * `planOf` and the source's own.
 */
export async function openSnapshot(source: Source, request: OpenRequest): Promise<OpenedSnapshot> {
  const { snapshotId, jobId, undoBytesMax, planOf, isLeftover } = request;
  await requireAlone(source, { isLeftover });
  await requireSpace(source, undoBytesMax);
  const names = new SnapshotNames(snapshotId);
  for (let opening = 1; opening <= OPENINGS_MAX; opening += 1) {
    const before = await readCatalogRows(source);
    const catalog = await withViewColumns(source, parseCatalog(before));
    const plan = planOf(catalog);
    const held = await chooseHeldBy(source, plan.tables, {
      fitsTriggers: (table) => fitsTriggers(names, table, catalog.triggers),
      brokenParents: findBrokenParents(catalog),
      manyTables: request.manyTables,
    });
    const limits = { triggers: catalog.triggers, undoBytesMax };
    const tables = plan.tables.map((table, number): HeldTable => {
      const heldBy = held.heldBy[number] as HeldBy;
      return { table, number, heldBy, ...holdTable(names, { table, number, heldBy }, limits) };
    });
    const watched = tables.flatMap(({ table, heldBy }) => (heldBy === "undo" ? [table] : []));
    const texts = plan.artifacts.flatMap(({ segments }) =>
      segments.flatMap((segment) => (segment.kind === "query" ? [segment.sql] : [])),
    );
    const statements = [
      ...createStateSql(names, { snapshotId, jobId }),
      ...createCommonSql(names, tables, undoBytesMax),
      ...tables.flatMap((each) => each.statements),
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
      // The statements are of a schema that has just changed.
      if (opening < OPENINGS_MAX && findQueryProblem(error) === "missing") continue;
      throw error;
    }
    const [clock, ends, schema] = results.slice(statements.length);
    if (!isSameSchema(before[0] ?? [], schema?.rows ?? [])) {
      await closeSnapshot(source, snapshotId);
      continue;
    }
    const copied = tables.flatMap(({ table, heldBy }) =>
      heldBy === "copy" || heldBy === "gathering" ? [table] : [],
    );
    const checks = await readCopiedChecks(source, plan, copied);
    const endOf = new Map(
      (ends?.rows ?? []).map(([number, end]) => [
        Number(number),
        end === null ? null : String(end),
      ]),
    );
    return {
      record: {
        snapshotId,
        tables: tables.map((each) => recordOf(each, endOf.get(each.number) ?? null)),
        texts,
        undoBytesMax,
        logTriggers: countLogTriggers(statements, tables),
      },
      catalog,
      plan,
      atMs: Number(clock?.rows[0]?.[0]),
      warnings: [
        ...held.warnings,
        ...deepTriggerWarnings(catalog),
        ...copiedKeyValueWarnings(statements, results),
        ...writeOrderWarnings(catalog, watched),
        ...checks.warnings,
      ],
      rowsRead:
        results.reduce((sum, result) => sum + result.rowsRead, 0) + held.rowsRead + checks.rowsRead,
      rowsWritten: results.reduce((sum, result) => sum + result.rowsWritten, 0),
    };
  }
  throw new ExportError(
    "schema-changed",
    `the schema changed ${OPENINGS_MAX} times while the snapshot was being opened`,
  );
}

/** What the object says about the copy of its key-value storage, if there is one. */
function copiedKeyValueWarnings(statements: string[], results: SourceResult[]): string[] {
  const at = statements.findIndex((sql) => findCopyTarget(sql) !== undefined);
  const copied = parseCopiedKeyValues(results[at]?.rows[0]?.[0]);
  if (copied === undefined) return [];
  const { entries, skipped, skippedKeys } = copied;
  if (entries === null) {
    return [
      `the object's key-value storage is not part of this dump: it is larger than ` +
        `${KEY_VALUES_BYTES_MAX} bytes, which is what one turn copies`,
    ];
  }
  if (skipped === 0) return [];
  const keys = skippedKeys.map((key) => JSON.stringify(key)).join(", ");
  const more = skipped > skippedKeys.length ? ` and ${skipped - skippedKeys.length} more` : "";
  return [
    `entries of the object's key-value storage are left out, since their values are of types that no ` +
      `dump can contain: ${keys}${more}`,
  ];
}

/** How many triggers the snapshot has on its own tables: those of its logs. */
function countLogTriggers(statements: string[], tables: readonly Watch[]): number {
  const triggers = statements.filter((sql) => sql.startsWith("CREATE TRIGGER "));
  return triggers.length - tables.reduce((sum, table) => sum + table.triggers, 0);
}

/** A table, and how it is held to the instant. */
interface HeldTable extends Watch {
  table: Table;
  number: number;
  heldBy: HeldBy;
}

/** A watched table that had no last key had no rows. */
function recordOf(
  { table, number, heldBy, triggers }: HeldTable,
  end: string | null,
): SnapshotTable {
  const isEmpty = heldBy === "undo" && end === null;
  return { name: table.name, number, heldBy: isEmpty ? "empty" : heldBy, triggers, end };
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

/**
 * A full database makes the customer's own writes fail, so a snapshot opens only if its log fits beside
 * the data. A source that does not report its size is not checked.
 */
async function requireSpace(source: Source, undoBytesMax: number): Promise<void> {
  const { databaseBytes } = await source.query({ sql: "SELECT 1 AS one", columns: 1 });
  if (databaseBytes === undefined || databaseBytes + undoBytesMax <= DATABASE_BYTES_MAX) return;
  throw new ExportError(
    "no-space-for-snapshot",
    `the database has ${databaseBytes} bytes, and the snapshot may keep ${undoBytesMax} more; ` +
      `a database holds at most ${DATABASE_BYTES_MAX}`,
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
  undoBytesMax: number,
): string[] {
  const heldBy = (by: HeldBy) => tables.filter((each) => each.heldBy === by);
  const sharing = heldBy("undo").flatMap(({ table }) => (sharesLog(table) ? [table] : []));
  return [
    ...(heldBy("gathering").length > 0 ? [createGatheringSql(names.gathering)] : []),
    ...(sharing.length > 0 ? createSharedLogSql(names, sharing, undoBytesMax) : []),
  ];
}

/** Errors: `table-too-wide-for-snapshot` if a statement that holds the table is too long. */
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
    const message = `the names of table ${shownName(table.name)} are too long for a statement that copies its rows`;
    throw new ExportError("table-too-wide-for-snapshot", message);
  }
  return { statements, triggers: 0 };
}

function copySql(
  names: SnapshotNames,
  { table, number, heldBy }: Omit<HeldTable, keyof Watch>,
): string[] {
  if (table.derived?.kind === "key-values") return [copyKeyValuesSql(names.copy(number))];
  if (heldBy === "copy") return copyRowsSql(names.copy(number), table);
  return heldBy === "gathering" ? [gatherRowsSql(names.gathering, number, table)] : [];
}

/** Statement that keeps where a watched table ends. */
function endSql(names: SnapshotNames, number: number, table: Table): string {
  const [key] = keyOf("t", table.key);
  const last = hasIntegerKey(table)
    ? `(SELECT max(${key}) FROM ${q(table.name)} AS t)`
    : `(SELECT 1 FROM ${q(table.name)} LIMIT 1)`;
  return `INSERT INTO ${q(names.cursor)} (t, checkpoint, e0) SELECT ${number}, 0, ${last}`;
}
