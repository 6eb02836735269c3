import { type ExportEnv, getExportJobs } from "../env.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { inlineArtifactStore } from "./inline-artifact-store.ts";
import { r2ArtifactStore } from "./r2-artifact-store.ts";

/**
 * The store of a deployment: its bucket, or the database of `ExportJobs` where none is bound. What
 * was kept there before a bucket was bound can still be found and read.
 */
export function openArtifactStore(env: ExportEnv): ArtifactStore {
  const inline = inlineArtifactStore(() => getExportJobs(env));
  if (env.EXPORT_R2_BUCKET === undefined) return inline;
  const r2 = r2ArtifactStore(env.EXPORT_R2_BUCKET);
  return {
    ...r2,
    find: async (key) => (await r2.find(key)) ?? inline.find(key),
    read: async (key, range) => (await r2.read(key, range)) ?? inline.read(key, range),
  };
}
