import type { LoadPlan, LoadPosition, ScriptRecord } from "./load-plan.ts";
import { LOAD_START } from "./load-plan.ts";
import type { Outcome } from "./outcome.ts";
import type { RunId } from "./run-payload.ts";

/** What a proof by restore knows after each step: plain data, replaced whole by each commit. */
export interface ProofState {
  /** What the next step does; `equal` and `differs` are ends. */
  phase: "scan" | "load" | "compare" | "equal" | "differs";
  /** How often the state was committed. */
  commits: number;
  /** True if the scratch database may contain something. */
  isScratchOpen: boolean;
  startedAtMs: number;
  /** Null until the proof ends. */
  endedAtMs: number | null;
  /** Null until the stored dump is scanned. */
  script: ScriptRecord | null;
  plan: LoadPlan | null;
  position: LoadPosition;
  /** The place at which the comparison resumes, as JSON; null at its start. */
  cursor: string | null;
  pieces: number;
  rows: number;
  rowsWritten: number;
}

/** The state of a proof that has done nothing. */
export function startProof(nowMs: number): ProofState {
  return {
    phase: "scan",
    commits: 0,
    isScratchOpen: false,
    startedAtMs: nowMs,
    endedAtMs: null,
    script: null,
    plan: null,
    position: LOAD_START,
    cursor: null,
    pieces: 0,
    rows: 0,
    rowsWritten: 0,
  };
}

/** The jobs object's methods for the steps that prove a dump. */
export interface ProofJobs {
  /** Returns the state of a job's proof; null before it begins. Failures: `run-superseded`. */
  proof(run: RunId): Promise<Outcome<ProofState | null>>;
  /**
   * Commits a state, or nothing, and counts a step. `state.commits` is that of the state that the step read; the
   * returned one has one more. Failures: `run-superseded`; `try-overtaken` if another attempt has committed since.
   */
  commitProof(
    run: RunId,
    state: ProofState,
    usage?: { rowsRead: number; rowsWritten: number },
  ): Promise<Outcome<ProofState>>;
}
