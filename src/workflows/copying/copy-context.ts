import { type ExportEnv, getExportJobs } from "../../config/bindings.ts";
import { readSettings, type Settings } from "../../config/settings.ts";
import type { Copier } from "../../rpc/copy-jobs.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { openArtifactStore } from "../../storage/open-artifact-store.ts";
import type { RunContext } from "../engine/run-context.ts";

/** What every step of copying works with. */
export interface CopyContext {
  env: ExportEnv;
  config: Settings;
  jobs: ReturnType<typeof getExportJobs>;
  copier: Copier;
  /** The store from which files are copied. */
  store: ArtifactStore;
  /** Reports to the watchdog that the copier is working. Errors: `run-superseded`. */
  beat: () => Promise<void>;
}

/** Returns the context of a job's run. */
export function fromRun({ env, config, jobs, runId, store, beat }: RunContext): CopyContext {
  const { jobId, run } = runId;
  return { env, config, jobs, copier: { jobId, run, copying: 0 }, store, beat };
}

/**
 * Returns the context of an instance that tries copies again. Its commits are its only signs of
 * life: the watchdog waits for half an hour. Errors: `configuration-invalid`.
 */
export function openCopyContext(env: ExportEnv, copier: Copier): CopyContext {
  return {
    env,
    config: readSettings(env),
    jobs: getExportJobs(env),
    copier,
    store: openArtifactStore(env),
    beat: () => Promise.resolve(),
  };
}
