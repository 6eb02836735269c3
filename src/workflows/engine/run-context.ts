import type { RunStart } from "../../rpc/run-payload.ts";
import { type ExportEnv, getExportJobs } from "../../config/bindings.ts";
import { type Settings, getSourceConfig, readSettings } from "../../config/settings.ts";
import { unwrap } from "../../rpc/outcome.ts";
import { openSource, sourceObjectOf } from "../../databases/open-source.ts";
import { reachedSource } from "../../databases/reached-source.ts";
import type { Source } from "../../databases/source.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";

/** A database, as a request names it: a configured source, and one object of its class if it has several. */
export interface DatabaseName {
  source: string;
  name?: string | undefined;
  id?: string | undefined;
}

/** What every step of a run uses. */
export interface RunContext {
  env: ExportEnv;
  runId: RunStart;
  config: Settings;
  jobs: ReturnType<typeof getExportJobs>;
  store: ArtifactStore;
  /**
   * Reports to the watchdog that the run is working. Call it often: it rarely makes a request.
   * Errors: `run-superseded`.
   */
  beat: () => Promise<void>;
  /**
   * Opens the database that a request names. If `wasReached` is not false, the job has reached it before, so a
   * Worker that cannot be found is a temporary fault.
   */
  openSource: (database: DatabaseName, wasReached?: boolean) => Source;
}

/** How often a long step reports that it is working. */
const BEAT_MS = 10_000;

/** Returns a context for one attempt of a step. Errors: `configuration-invalid`. */
export function openRunContext(env: ExportEnv, runId: RunStart): RunContext {
  const config = readSettings(env);
  const jobs = getExportJobs(env);
  let beatenAtMs = Date.now();
  return {
    env,
    runId,
    config,
    jobs,
    beat: async () => {
      if (Date.now() - beatenAtMs < Math.min(BEAT_MS, config.stallMs / 4)) return;
      beatenAtMs = Date.now();
      unwrap(await jobs.beat(runId));
    },
    store: openArtifactStore(env),
    openSource: (database, wasReached = true) =>
      reachedSource(openRequestedSource(env, config, database), wasReached),
  };
}

/** Opens the database that a request names. Errors: as `findDatabase`, and `source-not-found`. */
export function openRequestedSource(
  env: ExportEnv,
  config: Settings,
  database: DatabaseName,
): Source {
  const source = getSourceConfig(config, database.source);
  return openSource(env, source, sourceObjectOf(source, database));
}
