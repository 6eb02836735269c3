import { isActive } from "../../api/job-state.ts";
import { type Proof, PROOF_NONE } from "../../api/proof.ts";
import type { ProofState } from "../../rpc/proof-jobs.ts";
import { parseProof } from "../tables/job-proof-columns.ts";
import type { JobRow } from "../tables/job-rows.ts";

/** Returns how far a job's proof is. A proof that its job did not finish has failed, unless the job was cancelled. */
export function toProofView(job: Pick<JobRow, "proof_json" | "state">): Proof {
  const proof = parseProof(job);
  if (proof === null) return PROOF_NONE;
  const { endedAtMs, startedAtMs, rows, rowsWritten, pieces } = proof;
  return {
    state: findState(proof, job),
    at: endedAtMs === null ? null : new Date(endedAtMs).toISOString(),
    seconds: endedAtMs === null ? null : (endedAtMs - startedAtMs) / 1_000,
    rows,
    rowsWritten,
    pieces,
  };
}

function findState({ phase }: ProofState, { state }: Pick<JobRow, "state">): Proof["state"] {
  if (phase === "equal") return "proved";
  if (phase === "differs") return "failed";
  if (isActive(state)) return "running";
  return state === "cancelled" ? "none" : "failed";
}
