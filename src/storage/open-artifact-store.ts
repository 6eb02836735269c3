import type { SourceList } from "../api/source-list.ts";
import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { inlineArtifactStore } from "./inline/inline-artifact-store.ts";
import { isInlineUpload } from "./inline/inline-objects.ts";
import { withInlineFiles } from "./inline/with-inline-files.ts";
import { r2ArtifactStore } from "./r2/r2-artifact-store.ts";

type StorageReport = Pick<SourceList, "storage" | "inline">;

/**
 * The registry of stores that a binding selects, by the name that `GET /export/sources` reports.
 * Each entry opens its store, or returns undefined if its binding is missing. The first that opens
 * keeps a deployment's files. If none does, the jobs database keeps them.
 */
const BOUND_STORES: Record<
  Exclude<StorageReport["storage"], "inline">,
  (env: ExportEnv) => ArtifactStore | undefined
> = {
  r2: ({ EXPORT_R2_BUCKET: bucket }) => bucket && r2ArtifactStore(bucket),
};

/**
 * Opens a deployment's store. Files that were stored in the jobs database before a bucket was bound
 * are still found. An upload that began there is gone, so its job restarts.
 */
export function openArtifactStore(env: ExportEnv): ArtifactStore {
  const inline = inlineArtifactStore(() => getExportJobs(env));
  const bound = findBoundStore(env);
  return bound === undefined ? inline : withInlineFiles(bound.store, inline);
}

/**
 * Opens the store that a deployment has outside the jobs database, so that the jobs object can
 * remove files from it. The jobs object removes files in its own database itself: their uploads are
 * ignored here. Does nothing if no store is bound.
 */
export function openOuterFiles(env: ExportEnv): Pick<ArtifactStore, "abortUpload" | "delete"> {
  const store = findBoundStore(env)?.store;
  return {
    abortUpload: async (upload) => {
      if (!isInlineUpload(upload.uploadId)) await store?.abortUpload(upload);
    },
    delete: async (keys) => store?.delete(keys),
  };
}

/** Reports where a deployment keeps its files, as `GET /export/sources` does. Sizes in bytes. */
export async function reportStorage(
  env: ExportEnv,
  { inlineBytesMax: bytesMax }: { inlineBytesMax: number },
): Promise<StorageReport> {
  const bound = findBoundStore(env);
  if (bound !== undefined) return { storage: bound.name, inline: null };
  const bytesUsed = await getExportJobs(env).databaseBytes();
  return { storage: "inline", inline: { bytesUsed, bytesMax } };
}

function findBoundStore(
  env: ExportEnv,
): { name: keyof typeof BOUND_STORES; store: ArtifactStore } | undefined {
  for (const name of Object.keys(BOUND_STORES) as (keyof typeof BOUND_STORES)[]) {
    const store = BOUND_STORES[name](env);
    if (store !== undefined) return { name, store };
  }
  return undefined;
}
