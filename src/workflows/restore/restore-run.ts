import { ExportError } from "../../api/errors.ts";
import type { Source } from "../../databases/source.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type {
  RecordedFailure,
  RestoreCommit,
  RestoreState,
  RunningRestore,
} from "../../rpc/restore-jobs.ts";
import type { RunContext } from "../engine/run-context.ts";

/** A restore within one attempt of a step: its newest state, and the methods that change it. */
export class RestoreRun {
  readonly context: RunContext;
  #restore: RunningRestore;

  /**
   * Runs a step's work for a restore. An error that another attempt cannot fix is recorded in full, since a step's
   * error keeps only its text. Errors: those of `work`, `run-superseded`.
   */
  static async perform<T>(context: RunContext, work: (run: RestoreRun) => Promise<T>): Promise<T> {
    const run = await RestoreRun.open(context);
    try {
      return await work(run);
    } catch (error) {
      if (error instanceof ExportError && !error.retryable && error.code !== "run-superseded") {
        // Without this record, the text of the failure still exists.
        const { code, message, details = {} } = error.toFailure();
        const plain = Object.entries(details).filter(([, value]) => isPlain(value));
        const failure = { code, message, details: Object.fromEntries(plain) } as RecordedFailure;
        await run.commit({ failure }).catch(() => undefined);
      }
      throw error;
    }
  }

  /** Errors: `run-superseded`. */
  static async open(context: RunContext): Promise<RestoreRun> {
    return new RestoreRun(context, unwrap(await context.jobs.beginRestoreRun(context.runId)));
  }

  private constructor(context: RunContext, restore: RunningRestore) {
    this.context = context;
    this.#restore = restore;
  }

  get restore(): RunningRestore {
    return this.#restore;
  }

  get state(): RestoreState {
    return this.#restore.state;
  }

  /** Opens the target database. */
  openTarget(): Source {
    const { target, name, id } = this.#restore.request;
    return this.context.openSource({ source: target, name, id }, this.#restore.isTargetOpen);
  }

  /** Commits a change of the state. Errors: `run-superseded`, `try-overtaken`. */
  async commit(
    change: Partial<RestoreState>,
    rest: Pick<RestoreCommit, "isTargetOpen" | "warnings" | "usage"> = {},
  ): Promise<void> {
    const { context, restore } = this;
    this.#restore = unwrap(
      await context.jobs.commitRestore({
        ...context.runId,
        expectedCheckpoint: restore.checkpoint,
        state: { ...restore.state, ...change },
        ...rest,
      }),
    );
  }

  /** Returns what an earlier step recorded. Errors: `internal-error` if it recorded nothing. */
  require<Field extends "script" | "plan">(field: Field): NonNullable<RestoreState[Field]> {
    const value = this.state[field];
    if (value === null) throw new ExportError("internal-error", `the restore has no ${field} yet`);
    return value;
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === "string" || typeof value === "number";
}
