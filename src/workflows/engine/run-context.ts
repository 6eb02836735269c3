import { NonRetryableError } from "cloudflare:workflows";

import type { RunParams } from "../../rpc/run-payload.ts";
import { type ExportEnv, getExportJobs } from "../../config/bindings.ts";
import { type Settings, getSourceConfig, readSettings } from "../../config/settings.ts";
import { codedError } from "../../rpc/coded-error.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { ExportError } from "../../api/errors.ts";
import type { JobRequest } from "../../api/export-request.ts";
import { openSource, sourceObjectOf } from "../../databases/open-source.ts";
import { reachedSource } from "../../databases/reached-source.ts";
import type { Source } from "../../databases/source.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import { ATTEMPTS_MAX } from "./retry-policy.ts";

/** What every step of a run works with. */
export interface RunContext {
  of: RunParams;
  config: Settings;
  jobs: ReturnType<typeof getExportJobs>;
  store: ArtifactStore;
  /** Shows the watchdog that the run works; asks little, however often it is called. Errors: `run-superseded`. */
  beat: () => Promise<void>;
  /**
   * The database that a request names. Unless `wasReached` is false its job has reached it before, and
   * its Worker that cannot be found is a passing fault.
   */
  openSource: (request: Pick<JobRequest, "source" | "name" | "id">, wasReached?: boolean) => Source;
}

/** How often a long step beats. */
const BEAT_MS = 10_000;

export function runContext(env: ExportEnv, of: RunParams): RunContext {
  const config = readSettings(env);
  const jobs = getExportJobs(env);
  let beatenAtMs = Date.now();
  return {
    of,
    config,
    jobs,
    beat: async () => {
      if (Date.now() - beatenAtMs < Math.min(BEAT_MS, config.stallMs / 4)) return;
      beatenAtMs = Date.now();
      unwrap(await jobs.beat(of));
    },
    store: openArtifactStore(env),
    openSource: (request, wasReached = true) =>
      reachedSource(openRequested(env, config, request), wasReached),
  };
}

/** The database that a request names. Errors: as `findDatabase`, and `source-not-found`. */
export function openRequested(
  env: ExportEnv,
  config: Settings,
  request: Pick<JobRequest, "source" | "name" | "id">,
): Source {
  const source = getSourceConfig(config, request.source);
  return openSource(env, source, sourceObjectOf(source, request));
}

/**
 * Runs a step's body as its attempt number `attempt`, from 1. What trying again cannot help ends the step
 * at once, and so does the last attempt that `ATTEMPTS_MAX` allows an error; the code stands first in the
 * message, since that is all that survives.
 */
export async function stepBody<T>(attempt: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    const attemptsMax = ATTEMPTS_MAX[error.code] ?? Number.POSITIVE_INFINITY;
    if (!error.retryable || attempt >= attemptsMax) {
      throw new NonRetryableError(`${error.code}: ${error.message}`);
    }
    throw codedError(error);
  }
}
