/**
 * Returns where a store has a job's file. The key contains the snapshot's random id, so that nothing of an
 * earlier attempt can replace a file.
 */
export function toObjectKey(file: { jobId: string; snapshotId: string; name: string }): string {
  return `exports/${file.jobId}/${file.snapshotId}/${file.name}`;
}

/** Returns where a job's manifest is stored: beside its artifacts. */
export function toManifestKey(job: { jobId: string; snapshotId: string }): string {
  return toObjectKey({ ...job, name: "manifest.json" });
}

/** Returns the job and snapshot whose file a key is. For any other key it returns ids that no job has. */
export function parseObjectKey(objectKey: string): { jobId: string; snapshotId: string } {
  const [, jobId = "", snapshotId = ""] = objectKey.split("/");
  return { jobId, snapshotId };
}
