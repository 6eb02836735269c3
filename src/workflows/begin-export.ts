import { planOf } from "../dump/plan-of.ts";
import { CURSOR_START } from "../model/cursor.ts";
import type { NextAction } from "../model/checkpoint.ts";
import { ExportError, unwrap } from "../model/error.ts";
import type { JobRequest } from "../model/export-request.ts";
import { objectKeyOf } from "../model/object-key.ts";
import { readKeyRanges } from "../source/key-ranges.ts";
import { digestOf, readCatalog } from "../source/read-catalog.ts";
import { closeSnapshot } from "../source/snapshot/close-snapshot.ts";
import { openSnapshot, type OpenedSnapshot } from "../source/snapshot/open-snapshot.ts";
import { COMPRESSED } from "../storage/compressor.ts";
import type { Source } from "../source/source.ts";
import { rescuesOf } from "../storage/job-rows.ts";
import type { RunContext } from "./run-context.ts";

/** What the step "open snapshot" tells the dashboard. */
export interface BegunExport {
  snapshotId: string;
  run: number;
  /** The checkpoint that an earlier run has left; null where this one begins from nothing. */
  goesOnFrom: number | null;
  /** Why the watchdog gave the job to this run; null for the first. */
  rescued: string | null;
  tables: number;
  artifacts: number;
  warnings: number;
  next: NextAction;
}

/**
 * Begins a run: takes up the newest checkpoint where there is one, else opens a snapshot (or reads
 * the catalog of a live export) and records the plan. Repeating it is harmless: every try that finds
 * no plan opens a snapshot of its own and removes what earlier tries have left.
 */
export async function beginExport(context: RunContext): Promise<BegunExport> {
  const { jobs, of } = context;
  const job = unwrap(await jobs.beginRun(of));
  const rescued = rescuesOf(job).at(-1)?.reason ?? null;
  if (job.cursor_json !== null && job.snapshot_id !== null) {
    const { next, number } = unwrap(await jobs.checkpoint(of));
    return {
      snapshotId: job.snapshot_id,
      run: of.run,
      goesOnFrom: number,
      rescued,
      tables: 0,
      artifacts: 0,
      warnings: 0,
      next,
    };
  }
  const request = JSON.parse(job.request_json) as JobRequest;
  const snapshotId = crypto.randomUUID();
  const isFrozen = request.consistency === "snapshot";
  // A plan, or an opening that did not end by a wrong configuration, shows that the source was there.
  const wasReached = job.checkpoint > 0 || job.snapshot_open === 1;
  unwrap(await jobs.recordSnapshot(of, { snapshotId, isFrozen }));
  const source = context.openSource(request, wasReached);
  const opened =
    request.consistency === "snapshot"
      ? await freeze(context, source, { request, snapshotId })
      : await look(source, request);
  const { plan, catalog } = opened;
  const { ranges, rowsRead } = await readKeyRanges(source, plan.tables);
  const warnings = [
    ...(JSON.parse(job.warnings_json) as string[]),
    ...opened.warnings,
    ...plan.warnings,
  ];
  const recorded = await jobs.recordPlan({
    ...of,
    snapshotId,
    snapshotAtMs: opened.atMs,
    snapshotJson: opened.record === null ? null : JSON.stringify(opened.record),
    catalogDigest: await digestOf(catalog),
    cursor: CURSOR_START,
    firstTable: tableAt(plan.artifacts[0]?.segments, 0),
    artifacts: plan.artifacts.map(({ name, contentType }) => {
      const { suffix, contentType: compressed } = COMPRESSED[request.compression];
      return {
        name: `${name}${suffix}`,
        contentType: compressed ?? contentType,
        objectKey: objectKeyOf({ jobId: of.jobId, snapshotId, name: `${name}${suffix}` }),
      };
    }),
    tables: plan.tables.map((table) => table.name),
    keyRanges: ranges,
    warnings,
    usage: { rowsRead: opened.rowsRead + rowsRead, rowsWritten: opened.rowsWritten },
  });
  // A try that came too late: the job is over, or another try reads a snapshot of its own.
  if (!recorded.ok && isFrozen) await closeSnapshot(source, snapshotId);
  const next = unwrap(recorded);
  return {
    snapshotId,
    run: of.run,
    goesOnFrom: null,
    rescued,
    tables: plan.tables.length,
    artifacts: plan.artifacts.length,
    warnings: warnings.length,
    next,
  };
}

type Begun = Omit<OpenedSnapshot, "record"> & { record: OpenedSnapshot["record"] | null };

async function freeze(
  { jobs, of }: RunContext,
  source: Source,
  { request, snapshotId }: { request: JobRequest; snapshotId: string },
): Promise<Begun> {
  try {
    return await openSnapshot(source, {
      snapshotId,
      jobId: of.jobId,
      planOf: (catalog) => planOf(request, catalog).plan,
      isLeftover: (other) => jobs.isSnapshotLeftover(other),
    });
  } catch (error) {
    // In a class without the methods nothing was made, and nobody could close it.
    if (error instanceof ExportError && error.code === "configuration-invalid") {
      await jobs.recordClosed(of.jobId, snapshotId);
    }
    throw error;
  }
}

async function look(source: Source, request: JobRequest): Promise<Begun> {
  const atMs = Date.now();
  const catalog = await readCatalog(source);
  const { plan } = planOf(request, catalog);
  return { record: null, catalog, plan, atMs, warnings: [], rowsRead: 0, rowsWritten: 0 };
}

/** The table whose rows come first at or behind a segment; "schema" where only text is left. */
export function tableAt(
  segments: readonly { kind: string; table?: string }[] | undefined,
  from: number,
): string {
  const rows = segments?.slice(from).find((segment) => segment.kind === "rows");
  return rows?.table ?? "schema";
}
