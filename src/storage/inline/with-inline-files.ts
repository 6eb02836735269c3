import { ExportError } from "../../api/errors.ts";
import type { Upload } from "../../rpc/stored-object.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { isInlineUpload } from "./inline-objects.ts";

/**
 * Returns a store that writes to `store`, and also finds, reads and removes what `inline` kept
 * before `store` was bound. An upload that began in `inline` cannot be written to:
 * `artifact-corrupt`.
 */
export function withInlineFiles(store: ArtifactStore, inline: ArtifactStore): ArtifactStore {
  return {
    ...store,
    putPart: async (upload, number, bytes) => {
      requireOwn(upload);
      return store.putPart(upload, number, bytes);
    },
    completeUpload: async (upload, parts) => {
      requireOwn(upload);
      return store.completeUpload(upload, parts);
    },
    abortUpload: async (upload) => {
      await (isInlineUpload(upload.uploadId) ? inline : store).abortUpload(upload);
    },
    find: async (key) => (await store.find(key)) ?? inline.find(key),
    read: async (key, range) => (await store.read(key, range)) ?? inline.read(key, range),
    delete: async (keys) => {
      await store.delete(keys);
      await inline.delete(keys);
    },
  };
}

/**
 * For an id of the inline store, R2 returns an error that looks temporary. Errors:
 * `artifact-corrupt`.
 */
function requireOwn({ key, uploadId }: Upload): void {
  if (!isInlineUpload(uploadId)) return;
  throw new ExportError(
    "artifact-corrupt",
    `the upload of ${key} began in the jobs database, before a bucket was bound`,
  );
}
