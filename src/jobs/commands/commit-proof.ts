import { ExportError } from "../../api/errors.ts";
import type { ProofState } from "../../rpc/proof-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import type { JobsContext } from "../jobs-context.ts";
import { insertDiscard } from "../tables/discard-rows.ts";
import { addProofUsage, parseProof, recordProof } from "../tables/job-proof-columns.ts";
import { getJobOfRun, type JobRow } from "../tables/job-rows.ts";
import { countStep } from "../tables/job-run-columns.ts";

/**
 * Commits a new state of a job's proof, and counts a step. Errors: `run-superseded`; `try-overtaken` if another
 * attempt has committed since the step read its state.
 */
export function commitProof(
  { sql, storage }: JobsContext,
  run: RunId,
  state: ProofState,
  usage: { rowsRead: number; rowsWritten: number },
): ProofState {
  const { jobId } = run;
  return storage.transactionSync(() => {
    const commits = parseProof(getJobOfRun(sql, run))?.commits ?? 0;
    if (commits !== state.commits) {
      throw new ExportError(
        "try-overtaken",
        `the proof of job ${jobId} has ${commits} commits, not ${state.commits}`,
      );
    }
    const next = { ...state, commits: commits + 1 };
    recordProof(sql, jobId, next);
    addProofUsage(sql, jobId, usage);
    countStep(sql, jobId);
    return next;
  });
}

/**
 * Discards the scratch database of a job whose proof may have left something in it. Call it inside the transaction
 * that ends the job.
 */
export function discardScratch(
  sql: SqlStorage,
  job: Pick<JobRow, "job_id" | "proof_json">,
  nowMs: number,
): void {
  const proof = parseProof(job);
  if (proof === null || !proof.isScratchOpen) return;
  const { job_id: jobId } = job;
  insertDiscard(sql, { objectKey: jobId, uploadId: "", isScratch: true }, { jobId, nowMs });
  recordProof(sql, jobId, { ...proof, isScratchOpen: false });
}
