import { type Outcome, outcomeOf } from "../../rpc/outcome.ts";
import type { ProofJobs, ProofState } from "../../rpc/proof-jobs.ts";
import type { RunId } from "../../rpc/run-payload.ts";
import { commitProof } from "../commands/commit-proof.ts";
import { parseProof } from "../tables/job-proof-columns.ts";
import { getJobOfRun } from "../tables/job-rows.ts";
import { JobsRestores } from "./jobs-restores.ts";

/** The part of the jobs object that records proofs. */
export abstract class JobsProofs extends JobsRestores implements ProofJobs {
  proof(run: RunId): Promise<Outcome<ProofState | null>> {
    return outcomeOf(() => parseProof(getJobOfRun(this.jobs.sql, run)));
  }

  commitProof(
    run: RunId,
    state: ProofState,
    usage = { rowsRead: 0, rowsWritten: 0 },
  ): Promise<Outcome<ProofState>> {
    return outcomeOf(() => commitProof(this.jobs, run, state, usage));
  }
}
