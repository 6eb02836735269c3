/** What the keys of uploaded scripts start with. */
const SCRIPT_FOLDER = "imports";

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

/** Returns the key of the signature of a job's manifest. */
export function toSignatureKey(job: { jobId: string; snapshotId: string }): string {
  return toObjectKey({ ...job, name: "manifest.json.sig" });
}

/** Returns where a store has an uploaded script. `nonce` is random: no other upload has the key. */
export function toScriptKey(file: { fileId: string; nonce: string }): string {
  return `${SCRIPT_FOLDER}/${file.fileId}/${file.nonce}/script`;
}

/** True if a key is that of an uploaded script, and not that of a job's file. */
export function isScriptKey(objectKey: string): boolean {
  return objectKey.startsWith(`${SCRIPT_FOLDER}/`);
}

/**
 * Returns the job and snapshot whose file a key is; of an uploaded script its file id and nonce. For any
 * other key it returns ids that no job has.
 */
export function parseObjectKey(objectKey: string): { jobId: string; snapshotId: string } {
  const [, jobId = "", snapshotId = ""] = objectKey.split("/");
  return { jobId, snapshotId };
}

/** One attempt to store files of a fleet: no other attempt has its keys. */
interface FleetAttempt {
  jobId: string;
  snapshotId: string;
  /** Random. */
  attempt: string;
}

/** Returns the key of the list of a fleet's members. */
export function toMemberListKey({ attempt, ...fleet }: FleetAttempt): string {
  return toObjectKey({ ...fleet, name: `members-${attempt}.json` });
}

/** Returns the keys of a pack and its index. `suffix` is the end of a member's file name. */
export function toPackKeys({
  number,
  attempt,
  suffix,
  ...fleet
}: FleetAttempt & { number: number; suffix: string }): { pack: string; index: string } {
  const name = `pack-${String(number).padStart(5, "0")}-${attempt}`;
  return {
    pack: toObjectKey({ ...fleet, name: `${name}${suffix}` }),
    index: toObjectKey({ ...fleet, name: `${name}.index.json` }),
  };
}
