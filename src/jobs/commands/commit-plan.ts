import { ExportError } from "../../api/errors.ts";
import type { NextAction } from "../../rpc/next-action.ts";
import { toIdFolder, toObjectKey } from "../../rpc/object-key.ts";
import type { PlanRecord } from "../../rpc/plan-record.ts";
import type { JobsContext } from "../jobs-context.ts";
import { requireSpaceForFiles } from "../require-space.ts";
import { deleteArtifacts, insertArtifacts } from "../tables/artifact-rows.ts";
import { dropTurn, saveTurn } from "../tables/blob-rows.ts";
import { deleteChunks } from "../tables/chunk-rows.ts";
import { writePlan } from "../tables/job-plan-columns.ts";
import { getJob, getJobOfRun } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";
import { deleteTables, insertTables, recordKeyRanges } from "../tables/table-rows.ts";
import { decideNextAction } from "../views/decide-next-action.ts";
import { toNamedJob } from "../views/named-job.ts";
import { chooseFolder } from "./choose-folder.ts";

/** Records a plan. Errors: `run-superseded`, `try-overtaken`, `inline-storage-full`. */
export function commitPlan(context: JobsContext, plan: PlanRecord): NextAction {
  const { sql, storage } = context;
  return storage.transactionSync(() => {
    const job = getJobOfRun(sql, plan);
    // A run that names keys stores the manifest beside them.
    const isFormer = plan.artifacts.some(({ objectKey }) => objectKey !== undefined);
    const folder = isFormer ? null : chooseFolder(context, toNamedJob(job), job.restarts + 1);
    recordPlan(sql, { ...plan, folder }, Date.now());
    // A dump that was read in one turn is stored in the jobs database too.
    requireSpaceForFiles(context, 0);
    countStep(sql, plan.jobId);
    return decideNextAction(sql, getJob(sql, plan.jobId));
  });
}

/**
 * Writes a job's plan in place of any earlier one; everything that was read before is void. Call it
 * inside a transaction. Errors: `run-superseded`; `try-overtaken` if another attempt has opened the
 * job's snapshot since this one did.
 */
export function recordPlan(
  sql: SqlStorage,
  plan: PlanRecord & { folder: string | null },
  nowMs: number,
): void {
  const { jobId } = plan;
  if (getJobOfRun(sql, plan).snapshot_id !== plan.snapshotId) {
    throw new ExportError(
      "try-overtaken",
      "another attempt has opened the job's snapshot in the meantime",
    );
  }
  deletePlanned(sql, jobId);
  const folder = plan.folder ?? toIdFolder(plan);
  const artifacts = plan.artifacts.map(({ name, contentType }) => ({
    name,
    contentType,
    objectKey: toObjectKey({ folder, name }),
  }));
  insertArtifacts(sql, jobId, artifacts);
  insertTables(sql, jobId, plan.tables);
  recordKeyRanges(sql, jobId, plan.keyRanges);
  if (plan.turn === undefined) dropTurn(sql, jobId);
  else saveTurn(sql, jobId, plan.turn);
  writePlan(sql, plan, nowMs);
}

/**
 * Removes the rows of a plan, and of everything that was read according to it. Call it inside a
 * transaction.
 */
export function deletePlanned(sql: SqlStorage, jobId: string): void {
  deleteChunks(sql, jobId);
  deleteArtifacts(sql, jobId);
  deleteTables(sql, jobId);
}
