import { SCHEMA_QUERY } from "../../sqlite/parse-catalog.ts";
import { quoteIdentifier as q } from "../../sqlite/identifier.ts";
import {
  findCopyTarget,
  KEY_VALUE_STORAGE,
  parseCopiedKeyValues,
} from "../../sqlite/key-values.ts";
import { ExportError } from "../../api/errors.ts";
import { DATABASE_BYTES_MAX, KEY_VALUES_BYTES_MAX } from "../../api/limits.ts";
import { type PlanDump, type PlannedDump, readDumpPlan, renewDumpPlan } from "../planned-dump.ts";
import { isSameSchema } from "../read-catalog.ts";
import { findQueryProblem } from "../../databases/query-problem.ts";
import type { Source, SourceResult, SourceStatement } from "../../databases/source.ts";
import { findBrokenParents } from "./broken-references.ts";
import { closeSnapshot } from "./close-snapshot.ts";
import { chooseHeldBy } from "./choose-held-by.ts";
import { readCopiedChecks } from "./copied-checks.ts";
import { SnapshotNames } from "./names.ts";
import { keepPageSql, listPagesSql } from "./kept-pages.ts";
import { type Opening, planOpening } from "./opening-statements.ts";
import type { HeldBy, SnapshotRecord, SnapshotTable } from "../../rpc/snapshot-record.ts";
import { type IsLeftover, requireAlone } from "./sweep-leftovers.ts";
import { listDeepTriggerWarnings } from "./trigger-depth.ts";
import { fitsTriggers } from "./triggers.ts";
import { listWriteOrderWarnings } from "./write-order.ts";

/** How often the schema may change during opening. */
const OPENINGS_MAX = 5;

export interface OpenRequest {
  /** A new one for every opening. */
  snapshotId: string;
  jobId: string;
  /** The most bytes in the undo log; the triggers stop at the first entry that exceeds it. */
  undoBytesMax: number;
  planDump: PlanDump;
  /** The plan, if one was already made. The catalog is read only if it is no longer the same. */
  planned?: PlannedDump;
  isLeftover: IsLeftover;
  /** With more tables than this, pages of small ones are kept; default `MANY_TABLES`. */
  manyTables?: number;
  /** Pages of at most this many bytes are kept of any number of tables; default `CHEAP_PAGE_BYTES`. */
  cheapPageBytes?: number;
}

export interface OpenedSnapshot extends PlannedDump {
  record: SnapshotRecord;
  /** The source's own clock in the opening turn. */
  atMs: number;
  /** What is not from the instant, one sentence each. */
  warnings: string[];
  rowsRead: number;
  rowsWritten: number;
}

/**
 * Freezes a source: after one turn of it, `SnapshotReader` reads its tables as they were in that
 * turn. Leftovers of others are removed first. An attempt that fails leaves nothing, or only
 * objects that a later opening or `closeSnapshot` removes.
 *
 * Errors: `snapshot-busy` if another snapshot is alive, `no-space-for-snapshot`,
 * `table-too-wide-for-snapshot`, `too-many-tables-for-snapshot`, `schema-changed` if the schema
 * keeps changing during opening, those of `planDump` and the source's own.
 */
export async function openSnapshot(source: Source, request: OpenRequest): Promise<OpenedSnapshot> {
  const { snapshotId, undoBytesMax, planDump } = request;
  // A far database takes all three requests at the same time. No catalog contains a leftover.
  const [firstPlan, databaseBytes] = await Promise.all([
    renewDumpPlan(source, planDump, request.planned),
    readDatabaseBytes(source),
    requireAlone(source, request.isLeftover),
  ]);
  const names = new SnapshotNames(snapshotId);
  let keepsPages = true;
  for (let attempt = 1; attempt <= OPENINGS_MAX; attempt += 1) {
    const planned = attempt === 1 ? firstPlan : await readDumpPlan(source, planDump);
    const { catalog, plan, createEncoder } = planned;
    const numbers = new Map(plan.tables.map((table, number) => [table, number]));
    const held = await chooseHeldBy(source, plan.tables, {
      fitsTriggers: (table) => fitsTriggers(names, table, catalog.triggers),
      brokenParents: findBrokenParents(catalog),
      keepPage: (table) =>
        keepPageSql(names, { number: numbers.get(table) ?? 0, table }, createEncoder),
      manyTables: keepsPages ? request.manyTables : Number.POSITIVE_INFINITY,
      cheapPageBytes: request.cheapPageBytes,
    });
    requireSpace(databaseBytes, undoBytesMax + held.bytes);
    const keptPages = held.heldBy.includes("page");
    const opening = planOpening(names, request, { plan, triggers: catalog.triggers, ...held });
    const { statements } = opening;
    const readBack = [
      "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)",
      `SELECT t, CAST(e0 AS TEXT) FROM ${q(names.cursor)} ORDER BY t`,
      SCHEMA_QUERY,
      ...(keptPages ? [listPagesSql(names)] : []),
    ];
    let results;
    try {
      results = await source.transaction([...statements, ...readBack.map((sql) => ({ sql }))]);
    } catch (error) {
      await closeSnapshot(source, snapshotId);
      // The statements match a schema that has just changed.
      if (attempt < OPENINGS_MAX && findQueryProblem(error) === "missing") continue;
      // A table that seemed small may be large.
      if (!keptPages || !isRefused(error)) throw error;
      keepsPages = false;
      continue;
    }
    const [clock, ends, schema, pages] = results.slice(statements.length);
    if (!isSameSchema(planned.schema, schema?.rows ?? [])) {
      await closeSnapshot(source, snapshotId);
      continue;
    }
    const tablesHeldBy = (...by: HeldBy[]) =>
      opening.tables.flatMap(({ table, heldBy }) => (by.includes(heldBy) ? [table] : []));
    const checks = await readCopiedChecks(source, plan, tablesHeldBy("copy", "page"));
    return {
      ...planned,
      record: recordOpening(request, opening, { ends: ends?.rows ?? [], pages: pages?.rows ?? [] }),
      atMs: Number(clock?.rows[0]?.[0]),
      warnings: [
        ...held.warnings,
        ...listDeepTriggerWarnings(catalog),
        ...copiedKeyValueWarnings(statements, results),
        ...listWriteOrderWarnings(catalog, tablesHeldBy("undo")),
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

/** What the object reports about the copy of its key-value storage, if there is one. */
function copiedKeyValueWarnings(
  statements: readonly SourceStatement[],
  results: SourceResult[],
): string[] {
  const at = statements.findIndex(({ sql }) => findCopyTarget(sql) !== undefined);
  const copied = parseCopiedKeyValues(results[at]?.rows[0]?.[0]);
  if (copied === undefined) return [];
  const { entries, skipped, skippedKeys } = copied;
  if (entries === null) {
    return [
      `the object's ${KEY_VALUE_STORAGE} is not part of this dump: it is larger than ` +
        `${KEY_VALUES_BYTES_MAX} bytes, which is what one turn copies`,
    ];
  }
  if (skipped === 0) return [];
  const keys = skippedKeys.map((key) => JSON.stringify(key)).join(", ");
  const more = skipped > skippedKeys.length ? ` and ${skipped - skippedKeys.length} more` : "";
  return [
    `entries of the object's ${KEY_VALUE_STORAGE} are left out, since their values are of types that no ` +
      `dump can contain: ${keys}${more}`,
  ];
}

/**
 * What is needed to read and close the snapshot. `ends` are the last keys of watched tables, and `pages` the lengths of
 * kept pages.
 */
function recordOpening(
  { snapshotId, undoBytesMax }: OpenRequest,
  { tables, texts, logTriggers }: Opening,
  { ends, pages }: Record<"ends" | "pages", SourceResult["rows"]>,
): SnapshotRecord {
  const endOf = new Map(
    ends.map(([number, end]) => [Number(number), end === null ? null : String(end)]),
  );
  const pageBytesOf = new Map(pages.map(([number, bytes]) => [Number(number), Number(bytes)]));
  return {
    snapshotId,
    tables: tables.map(({ table, number, heldBy, triggers }): SnapshotTable => {
      const end = endOf.get(number) ?? null;
      // A watched table without a last key had no rows.
      const isEmpty = heldBy === "undo" && end === null;
      const pageBytes = pageBytesOf.get(number);
      return {
        name: table.name,
        number,
        heldBy: isEmpty ? "empty" : heldBy,
        triggers,
        end,
        ...(pageBytes !== undefined && { pageBytes }),
      };
    }),
    texts,
    undoBytesMax,
    logTriggers,
  };
}

/** Undefined if the source does not report its size. */
async function readDatabaseBytes(source: Source): Promise<number | undefined> {
  return (await source.query({ sql: "SELECT 1 AS one", columns: 1 })).databaseBytes;
}

/**
 * A full database makes the customer's own writes fail, so a snapshot opens only if what it may
 * keep fits in addition to the data. A source that does not report its size is not checked.
 */
function requireSpace(databaseBytes: number | undefined, keptBytes: number): void {
  if (databaseBytes === undefined || databaseBytes + keptBytes <= DATABASE_BYTES_MAX) return;
  throw new ExportError(
    "no-space-for-snapshot",
    `the database has ${databaseBytes} bytes, and the snapshot may keep ${keptBytes} more; ` +
      `a database holds at most ${DATABASE_BYTES_MAX}`,
  );
}

/** True if SQLite refused a statement. */
function isRefused(error: unknown): boolean {
  return error instanceof ExportError && error.code === "source-query-failed";
}
