/**
 * Where a store has a job's file. The snapshot's random id is in it, so that nothing of an earlier
 * try can replace a file.
 */
export function objectKeyOf(file: {
  jobId: string;
  snapshotId: string | null;
  name: string;
}): string {
  return `exports/${file.jobId}/${file.snapshotId}/${file.name}`;
}

/** Where a job's manifest is stored: beside its artifacts. */
export function manifestKeyOf(job: { jobId: string; snapshotId: string | null }): string {
  return objectKeyOf({ ...job, name: "manifest.json" });
}

/** Whose file a key is of. What is no such key gives ids that no job has. */
export function ownerOf(objectKey: string): { jobId: string; snapshotId: string } {
  const [, jobId = "", snapshotId = ""] = objectKey.split("/");
  return { jobId, snapshotId };
}
