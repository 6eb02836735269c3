/**
 * Returns the key under which a store keeps a job's file. The key contains the snapshot's random
 * id, so that an earlier attempt cannot replace a file.
 */
export function toObjectKey(file: { jobId: string; snapshotId: string; name: string }): string {
  return `exports/${file.jobId}/${file.snapshotId}/${file.name}`;
}

/** Returns the key of a job's manifest, which is next to its artifacts. */
export function toManifestKey(job: { jobId: string; snapshotId: string }): string {
  return toObjectKey({ ...job, name: "manifest.json" });
}

/**
 * Returns the job and snapshot that own the file with this key. For any other key it returns ids
 * that no job has.
 */
export function parseObjectKey(objectKey: string): { jobId: string; snapshotId: string } {
  const [, jobId = "", snapshotId = ""] = objectKey.split("/");
  return { jobId, snapshotId };
}
