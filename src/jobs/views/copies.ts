import { hintOf } from "../../api/error-hint.ts";
import type { CopyView } from "../../api/copies.ts";
import { ExportError } from "../../api/errors.ts";
import { listStatesBefore } from "../../api/job-state.ts";
import type { CopiedFile, Copier, CopyTask, CopyWork } from "../../rpc/copy-jobs.ts";
import { toManifestKey, toSignatureKey } from "../../rpc/object-key.ts";
import { listArtifacts } from "../tables/artifact-rows.ts";
import { SEALED_SUFFIX } from "../tables/artifact-sealing-columns.ts";
import { type CopyRecord, listCopies, listCopyParts } from "../tables/copy-rows.ts";
import { findJob, getJobOfRun, type JobRow } from "../tables/job-rows.ts";
import { listFleetFiles } from "./fleet-files.ts";
import { findFolder } from "./job-folder.ts";

/** The name of a manifest in the folder of a copy. */
const MANIFEST_NAME = "manifest.json";
const SIGNATURE_NAME = "manifest.json.sig";

/** Returns a job's copies as its users see them. */
export function listCopyViews(sql: SqlStorage, job: JobRow): CopyView[] {
  return listCopies(sql, job.job_id).map((copy) => ({
    destination: copy.destination,
    state: copy.state,
    folder: copy.folder,
    sealed: copy.isSealed,
    bytes: copy.bytes,
    copiedAt: toTime(copy.copiedAtMs),
    failures: copy.failures,
    error: copy.failure && {
      code: copy.failure.code,
      message: copy.failure.message,
      hint: hintOf(copy.failure.code, job.origin),
    },
    nextAttemptAt: copy.state === "retrying" ? toTime(job.copying_due_at_ms) : null,
  }));
}

/** Returns a sentence for each copy of a job that does not exist and should. */
export function listCopyWarnings(sql: SqlStorage, jobId: string, what = "the copy"): string[] {
  return listCopies(sql, jobId).flatMap(({ destination, state, failure }) => {
    if (failure === null || (state !== "retrying" && state !== "failed")) return [];
    const next = state === "retrying" ? "it will be tried again" : "it was abandoned";
    return [
      `copy-failed: ${what} to ${JSON.stringify(destination)} failed, and ${next}: ${failure.message}`,
    ];
  });
}

/** Returns the job if the copier may still work on it. Errors: `run-superseded`. */
export function getJobOfCopier(sql: SqlStorage, copier: Copier): JobRow {
  if (copier.copying === 0) return getJobOfRun(sql, copier);
  const { jobId, copying } = copier;
  const job = findJob(sql, jobId);
  if (
    job === undefined ||
    job.copyings !== copying ||
    !listStatesBefore("expired").includes(job.state)
  ) {
    const why =
      job === undefined ? "the job was deleted" : `it has ended, or copying ${job.copyings}`;
    throw new ExportError("run-superseded", `copying ${copying} of job ${jobId} ends: ${why}`);
  }
  return job;
}

/**
 * Returns the files of a job that a copy contains, in order: its artifacts, or a fleet's packs and
 * their indexes, and once the manifest is stored, its signature and itself. The manifest of a sealed copy stays plain.
 */
export function listCopiedFiles(
  sql: SqlStorage,
  job: JobRow,
  { isSealed }: Pick<CopyRecord, "isSealed">,
): CopiedFile[] {
  const files = listStoredFiles(sql, job).map(
    ({ name, objectKey, contentType, bytes, sha256, isPlain }): CopiedFile => {
      // One that is sealed in the store is copied as it is.
      const mustSeal = isSealed && isPlain;
      return {
        name,
        objectKey,
        contentType,
        content: { bytes, sha256 },
        copyName: mustSeal ? `${name}${SEALED_SUFFIX}` : name,
        isSealed: mustSeal,
      };
    },
  );
  const folder = findFolder(job);
  if (job.manifest_stored === 0 || folder === null) return files;
  const objectKey = toManifestKey({ folder });
  const contentType = "application/json";
  const plain = { isSealed: false, content: null };
  const manifest = { name: MANIFEST_NAME, copyName: MANIFEST_NAME, objectKey, contentType };
  const signature = {
    name: SIGNATURE_NAME,
    copyName: SIGNATURE_NAME,
    objectKey: toSignatureKey({ folder }),
    contentType: "application/octet-stream",
  };
  const last = job.is_signed === 1 ? [signature, manifest] : [manifest];
  return [...files, ...last.map((file) => ({ ...file, ...plain }))];
}

/** A verified file of a job in the deployment's store. */
interface StoredFile {
  name: string;
  objectKey: string;
  contentType: string;
  bytes: number;
  sha256: string;
  /** False if it is sealed. */
  isPlain: boolean;
}

function listStoredFiles(sql: SqlStorage, job: JobRow): StoredFile[] {
  if (job.kind === "fleet") {
    return listFleetFiles(sql, job).map((file) => ({ ...file, isPlain: true }));
  }
  return listArtifacts(sql, job.job_id, { state: "verified" }).map(
    ({ name, objectKey, contentType, bytes, sha256, plain }) => ({
      name,
      objectKey,
      contentType,
      bytes,
      sha256: sha256 ?? "",
      isPlain: plain === null,
    }),
  );
}

/** True if a job must be copied. */
export function hasCopies(sql: SqlStorage, jobId: string): boolean {
  return listCopies(sql, jobId).length > 0;
}

/** Returns the next step of copying; null if no file can be copied now. */
export function findNextCopy(sql: SqlStorage, job: JobRow): CopyTask | null {
  const pending = listCopies(sql, job.job_id).filter(({ state }) => state === "pending");
  if (pending.length === 0) return null;
  for (const copy of pending) {
    const file = listCopiedFiles(sql, job, copy)[copy.filesDone];
    if (file !== undefined) return toTask(copy, file);
  }
  return null;
}

/** Returns what a step of copying works with; null if no copy is pending at its destination. */
export function findCopyWork(sql: SqlStorage, job: JobRow, task: CopyTask): CopyWork | null {
  const { job_id: jobId } = job;
  const copy = listCopies(sql, jobId).find((each) => each.destination === task.destination);
  if (copy?.state !== "pending") return null;
  const files = listCopiedFiles(sql, job, copy).slice(copy.filesDone);
  const [file] = files;
  if (file === undefined) return null;
  const { destination, folder, upload, restarts } = copy;
  return {
    task: toTask(copy, file),
    folder,
    origin: job.origin,
    files,
    upload,
    parts: listCopyParts(sql, jobId, destination),
    restarts,
  };
}

function toTask({ destination, steps }: CopyRecord, { name }: CopiedFile): CopyTask {
  return { destination, file: name, number: steps + 1 };
}

function toTime(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
