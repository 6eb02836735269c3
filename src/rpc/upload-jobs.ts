import type { UploadView } from "../api/upload.ts";
import type { Outcome } from "./outcome.ts";
import type { StoredPart, Upload } from "./stored-object.ts";

/**
 * The jobs object's methods for uploaded scripts. The object records files. Its caller sends the bytes to the
 * store, between two calls. Each outcome may fail with `file-not-found`.
 */
export interface UploadJobs {
  /** Records a file that is about to be uploaded. Failures: `inline-storage-full`. */
  createFile(file: NewFile): Promise<Outcome<null>>;
  /** Records the store's upload of a file, which can then take parts. */
  openFile(fileId: string, uploadId: string): Promise<Outcome<UploadView>>;
  fileView(fileId: string): Promise<Outcome<UploadView>>;
  /**
   * Counts an attempt to store part `number`, and returns where to send it. Failures: `part-invalid` if no part
   * can have so many bytes, or the file is complete.
   */
  beginPart(part: PartId & { bytes: number }): Promise<Outcome<PartAttempt>>;
  /**
   * Records a part that the store has. Failures: `part-invalid` if a later attempt has begun meanwhile: nobody
   * knows which of them the store keeps until that one is recorded.
   */
  recordPart(fileId: string, stored: { attempt: number; part: StoredPart }): Promise<Outcome<null>>;
  /**
   * Returns what the store needs to make the file, or the view of a file that is completed. Failures:
   * `file-not-complete` if a part is missing, `part-invalid` if one is too short, `file-differs` if the file has
   * another size or hash than announced.
   */
  beginCompletion(
    fileId: string,
    completion: { parts: number; sha256: string | null },
  ): Promise<Outcome<FileToMake | { view: UploadView }>>;
  /**
   * Handles a file that the store did not make, because its parts differ from the recorded ones. Returns the view
   * if another call has completed the file. Failures: `part-invalid`, which names the parts to upload again;
   * `file-differs` if no part can be the reason.
   */
  refuseFile(fileId: string): Promise<Outcome<UploadView>>;
  /**
   * Records that the store has the file, and returns its view. Repeating it returns the same view. Failures:
   * `file-differs` if the hash is not the announced one, in which case the file is discarded.
   */
  completeFile(fileId: string, made: MadeFile): Promise<Outcome<UploadView>>;
  /**
   * Discards a file with everything stored of it; an unknown one counts as discarded. Failures: `file-in-use`
   * while an active job reads it, `storage-unavailable` (the watchdog removes it later).
   */
  removeFile(fileId: string): Promise<Outcome<null>>;
  /**
   * Marks a file as used by a job: it is kept while the job is active, and for a day after. May be repeated.
   * Failures: `file-not-complete`.
   */
  useFile(fileId: string, jobId: string): Promise<Outcome<UsableFile>>;
}

/** A file that is about to be uploaded; the caller chooses ids and times. */
export interface NewFile {
  fileId: string;
  name: string;
  objectKey: string;
  /** The length of every part but the last: no deployment changes it. */
  partBytes: number;
  /** What the client says of the whole file; null if it does not. */
  announced: { bytes: number | null; sha256: string | null };
  nowMs: number;
}

/** One part of a file. */
interface PartId {
  fileId: string;
  /** From 1. */
  number: number;
}

/** The place to which one attempt sends its part. */
export interface PartAttempt {
  upload: Upload;
  /** From 1. */
  attempt: number;
}

/** A file whose parts are all stored. */
export interface FileToMake {
  upload: Upload;
  parts: StoredPart[];
  bytes: number;
}

/** A file that the store has made of its parts, and that was read back. */
export interface MadeFile {
  parts: number;
  bytes: number;
  etag: string;
  sha256: string;
  /** What the client announced on completion; null if nothing. */
  announcedSha256: string | null;
}

/** A completed file, as a restore reads it. */
export interface UsableFile {
  /** Its place in the store. */
  key: string;
  etag: string;
  bytes: number;
  sha256: string;
  name: string;
}
