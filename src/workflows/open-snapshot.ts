import { CURSOR_START } from "../model/cursor.ts";
import type { NextAction } from "../model/checkpoint.ts";
import { unwrap } from "../model/error.ts";
import type { ExportRequest } from "../model/export-request.ts";
import { digestOf, planOf, readCatalog, type RunContext } from "./run-context.ts";

/** What the step "open snapshot" tells the dashboard. */
export interface OpenedSnapshot {
  snapshotId: string;
  tables: number;
  artifacts: number;
  warnings: number;
  next: NextAction;
}

/**
 * Begins a run: takes up the newest checkpoint where there is one, else reads the catalog, and
 * records the plan. Repeating it is harmless: until something was exported it plans anew.
 */
export async function openSnapshot(context: RunContext): Promise<OpenedSnapshot> {
  const { jobs, of } = context;
  const job = unwrap(await jobs.beginRun(of));
  if (job.snapshot_id !== null) {
    const { next } = unwrap(await jobs.checkpoint(of));
    return { snapshotId: job.snapshot_id, tables: 0, artifacts: 0, warnings: 0, next };
  }
  const request = JSON.parse(job.request_json) as ExportRequest;
  const snapshotAtMs = Date.now();
  const catalog = await readCatalog(context.openSource(request));
  const { plan } = planOf(request, catalog);
  const snapshotId = crypto.randomUUID();
  const next = unwrap(
    await jobs.recordPlan({
      ...of,
      snapshotId,
      snapshotAtMs,
      snapshotJson: null,
      catalogDigest: await digestOf(catalog),
      cursor: CURSOR_START,
      firstTable: tableAt(plan.artifacts[0]?.segments, 0),
      artifacts: plan.artifacts.map(({ name, contentType }) => ({
        name,
        contentType,
        objectKey: `exports/${of.jobId}/${snapshotId}/${name}`,
      })),
      tables: plan.tables.map((table) => table.name),
      warnings: plan.warnings,
    }),
  );
  return {
    snapshotId,
    tables: plan.tables.length,
    artifacts: plan.artifacts.length,
    warnings: plan.warnings.length,
    next,
  };
}

/** The table whose rows come first at or behind a segment; "schema" where only text is left. */
export function tableAt(
  segments: readonly { kind: string; table?: string }[] | undefined,
  from: number,
): string {
  const rows = segments?.slice(from).find((segment) => segment.kind === "rows");
  return rows?.table ?? "schema";
}
