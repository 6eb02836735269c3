import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import { ExportError } from "../api/errors.ts";
import type { Upload } from "../rpc/stored-object.ts";
import type { ArtifactStore } from "./artifact-store.ts";
import { inlineArtifactStore } from "./inline/inline-artifact-store.ts";
import { isInlineUpload } from "./inline/inline-objects.ts";
import { r2ArtifactStore } from "./r2/r2-artifact-store.ts";

/**
 * The store of a deployment: its bucket, or the database of `ExportJobs` where none is bound. What
 * was kept there before a bucket was bound can still be found and read; an upload that was begun there is
 * gone, so that its job begins again.
 */
export function openArtifactStore(env: ExportEnv): ArtifactStore {
  const inline = inlineArtifactStore(() => getExportJobs(env));
  if (env.EXPORT_R2_BUCKET === undefined) return inline;
  const r2 = r2ArtifactStore(env.EXPORT_R2_BUCKET);
  return {
    ...r2,
    putPart: async (upload, number, bytes) => {
      requireOwn(upload);
      return r2.putPart(upload, number, bytes);
    },
    completeUpload: async (upload, parts) => {
      requireOwn(upload);
      return r2.completeUpload(upload, parts);
    },
    abortUpload: async (upload) => {
      await (isInlineUpload(upload.uploadId) ? inline : r2).abortUpload(upload);
    },
    find: async (key) => (await r2.find(key)) ?? inline.find(key),
    read: async (key, range) => (await r2.read(key, range)) ?? inline.read(key, range),
  };
}

/** R2 answers of an upload that is not its own as of a fault that may pass. Errors: `artifact-corrupt`. */
function requireOwn({ key, uploadId }: Upload): void {
  if (!isInlineUpload(uploadId)) return;
  throw new ExportError("artifact-corrupt", `the upload of ${key} was begun beside the jobs`);
}
