import { assert } from "../lib/assert.ts";
import { type NamedJob, toReadableFolder, withPlanNumber, withWholeId } from "./readable-key.ts";

/** What the keys of all jobs' files start with. One lifecycle rule covers them. */
const JOB_FOLDER = "exports";

/** What the keys of uploaded scripts start with. */
const SCRIPT_FOLDER = "imports";

/** What the keys of a job's files start with. It ends with `/`. */
interface InFolder {
  folder: string;
}

/**
 * Returns the folder of a job's files in a bucket. `number` counts the job's plans from 1: no two of them share a
 * folder. `isIdTaken` is true if another job's id begins with the same digits: the folder then contains the whole id.
 */
export function toBucketFolder(
  job: NamedJob,
  { number, isIdTaken }: { number: number; isIdTaken: boolean },
): string {
  const short = toReadableFolder(job);
  const folder = isIdTaken ? withWholeId(short, job.jobId) : short;
  return `${JOB_FOLDER}/${withPlanNumber(folder, { jobId: job.jobId, number })}`;
}

/**
 * Returns the folder of a job's files in the jobs database, and of files that an earlier version stored. It contains
 * the snapshot's random id, so that a late attempt of an earlier snapshot cannot replace a file.
 */
export function toIdFolder(job: { jobId: string; snapshotId: string }): string {
  return `${JOB_FOLDER}/${job.jobId}/${job.snapshotId}/`;
}

/** Returns the key under which a store keeps a job's file. */
export function toObjectKey({ folder, name }: InFolder & { name: string }): string {
  assert(folder.endsWith("/"), "a folder ends with a slash");
  return `${folder}${name}`;
}

/** Returns the key of a job's manifest, which is next to its artifacts. */
export function toManifestKey({ folder }: InFolder): string {
  return toObjectKey({ folder, name: "manifest.json" });
}

/** Returns the key of the signature of a job's manifest. */
export function toSignatureKey({ folder }: InFolder): string {
  return toObjectKey({ folder, name: "manifest.json.sig" });
}

/** Returns the key of a new file `name`, in the folder of an artifact. */
export function toKeyBeside(
  artifact: { objectKey: string; name: string },
  { name }: { name: string },
): string {
  assert(artifact.objectKey.endsWith(`/${artifact.name}`), "an artifact's key ends with its name");
  return toObjectKey({ folder: artifact.objectKey.slice(0, -artifact.name.length), name });
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
 * Returns the job and snapshot whose file a key of the jobs database is; of an uploaded script its file id and nonce.
 * For any other key it returns ids that no job has.
 */
export function parseObjectKey(objectKey: string): { jobId: string; snapshotId: string } {
  const [, jobId = "", snapshotId = ""] = objectKey.split("/");
  return { jobId, snapshotId };
}

/** One attempt to store files of a fleet: no other attempt has its keys. */
interface FleetAttempt extends InFolder {
  /** Random. */
  attempt: string;
}

/** Returns the key of the list of a fleet's members. */
export function toMemberListKey({ attempt, folder }: FleetAttempt): string {
  return toObjectKey({ folder, name: `members-${attempt}.json` });
}

/** Returns the keys of a pack and its index. `suffix` is the end of a member's file name. */
export function toPackKeys({
  number,
  attempt,
  suffix,
  folder,
}: FleetAttempt & { number: number; suffix: string }): { pack: string; index: string } {
  const name = `pack-${String(number).padStart(5, "0")}-${attempt}`;
  return {
    pack: toObjectKey({ folder, name: `${name}${suffix}` }),
    index: toObjectKey({ folder, name: `${name}.index.json` }),
  };
}
