import type { ArtifactStore } from "../artifact-store.ts";

/** Returns a store whose keys are those of `store` after a prefix. */
export function withPrefix(store: ArtifactStore, prefix: string): ArtifactStore {
  const within = (key: string): string => `${prefix}${key}`;
  const inside = <T extends { key: string }>(upload: T): T => ({
    ...upload,
    key: within(upload.key),
  });
  const findChecksum = store.findChecksum?.bind(store);
  return {
    billedOperations: store.billedOperations,
    usesJobsDatabase: store.usesJobsDatabase,
    put: (key, bytes, metadata) => store.put(within(key), bytes, metadata),
    createUpload: (key, metadata) => store.createUpload(within(key), metadata),
    putPart: (upload, number, bytes) => store.putPart(inside(upload), number, bytes),
    completeUpload: (upload, parts) => store.completeUpload(inside(upload), parts),
    abortUpload: (upload) => store.abortUpload(inside(upload)),
    find: (key) => store.find(within(key)),
    ...(findChecksum && { findChecksum: (key) => findChecksum(within(key)) }),
    read: (key, range) => store.read(within(key), range),
    delete: (keys) => store.delete(keys.map(within)),
  };
}
