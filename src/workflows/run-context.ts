import { NonRetryableError } from "cloudflare:workflows";

import {
  type Config,
  type ExportEnv,
  getExportJobs,
  getSourceConfig,
  parseConfig,
  type RunParams,
} from "../env.ts";
import { ExportError, unwrap } from "../model/error.ts";
import type { ExportRequest } from "../model/export-request.ts";
import { sourceObjectOf } from "../model/source-config.ts";
import { openSource } from "../source/open-source.ts";
import type { Source } from "../source/source.ts";
import type { ArtifactStore } from "../storage/artifact-store.ts";
import { openArtifactStore } from "../storage/open-artifact-store.ts";

/** What every step of a run works with. */
export interface RunContext {
  of: RunParams;
  config: Config;
  jobs: ReturnType<typeof getExportJobs>;
  store: ArtifactStore;
  /** Shows the watchdog that the run works; asks little, however often it is called. Errors: `run-superseded`. */
  beat: () => Promise<void>;
  /** The database that a request names. */
  openSource: (request: Pick<ExportRequest, "source" | "name" | "id">) => Source;
}

/** How often a long step beats. */
const BEAT_MS = 10_000;

export function runContext(env: ExportEnv, of: RunParams): RunContext {
  const config = parseConfig(env);
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
    openSource: (request) => openRequested(env, config, request),
  };
}

/** The database that a request names. Errors: as `findDatabase`, and `source-not-found`. */
export function openRequested(
  env: ExportEnv,
  config: Config,
  request: Pick<ExportRequest, "source" | "name" | "id">,
): Source {
  const source = getSourceConfig(config, request.source);
  return openSource(env, source, sourceObjectOf(source, request));
}

/**
 * Runs a step's body. What trying again cannot help ends the step at once; the code stands first
 * in the message, since that is all that survives.
 */
export async function stepBody<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ExportError && !error.retryable) {
      throw new NonRetryableError(`${error.code}: ${error.message}`);
    }
    if (error instanceof ExportError)
      throw new Error(`${error.code}: ${error.message}`, { cause: error });
    throw error;
  }
}
