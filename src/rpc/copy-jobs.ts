import type { Failure } from "../api/errors.ts";
import type { Outcome } from "./outcome.ts";
import type { StoredPart } from "./stored-object.ts";

/**
 * Who copies a job's files: its run, or an instance that the watchdog started after the job was
 * completed. The commits of any other are refused.
 */
export interface Copier {
  jobId: string;
  run: number;
  /** 0 for the run; otherwise the number of the instance, from 1. */
  copying: number;
}

/** The next step of copying. It depends only on recorded values, so that a replay repeats it. */
export interface CopyTask {
  destination: string;
  /** The name of the file with which the step begins. */
  file: string;
  /** Counts the steps of this copy from 1. */
  number: number;
}

/** A file to copy. */
export interface CopiedFile {
  name: string;
  /** Its key in the deployment's store. */
  objectKey: string;
  contentType: string;
  /** Null for the manifest, whose size and hash are not recorded. */
  content: { bytes: number; sha256: string } | null;
  /** Its name in the folder of the copy. */
  copyName: string;
  /** True if the copy is sealed for the recipients. */
  isSealed: boolean;
}

/** What seals a file while it is copied, in base64. With the key, anyone can open the file. */
export interface CopySeal {
  header: string;
  streamKey: string;
}

/** A part that the destination has, and the SHA-256 in hex of what was sent. */
export interface CopiedPart extends StoredPart {
  sha256: string;
}

/** An upload at a destination that is not yet a checked object. */
export interface CopyUpload {
  uploadId: string;
  /** The size of every part except the last, in bytes. */
  partBytes: number;
  /** Null for a plain file. Never part of a step's result. */
  seal: CopySeal | null;
  /** How many parts of the object were read back. */
  checkedParts: number;
}

/** What a step of copying starts from. */
export interface CopyWork {
  /** The step that it is for; another one if that step is already committed. */
  task: CopyTask;
  /** What the keys of the copy start with. */
  folder: string;
  /** Scheme and host of the links in the job's view. */
  origin: string;
  /** The files that are not yet copied, in order; the first is in progress if there is an upload. */
  files: CopiedFile[];
  upload: CopyUpload | null;
  parts: CopiedPart[];
  /** How often this file's upload was restarted. */
  restarts: number;
}

/** How one step of copying ended. */
export interface CopyCommit {
  task: CopyTask;
  /** How many of the files were copied and checked, and their bytes. */
  finished: { files: number; bytes: number };
  /** The upload of the next file; null if it has none. */
  upload: CopyUpload | null;
  /** The parts of that upload that the step has sent. */
  parts: CopiedPart[];
  /** True if the destination has lost or changed an upload, which restarts. */
  isRestart: boolean;
  r2ClassAOperations: number;
}

/**
 * The jobs object's methods for copies at destinations. A copy contains every artifact, and the
 * manifest last. Each outcome may fail with `run-superseded`: another copier has taken over, or the
 * job is gone.
 */
export interface CopyJobs {
  /** Returns the next step; null if no file can be copied now. */
  nextCopy(copier: Copier): Promise<Outcome<CopyTask | null>>;
  /** Returns what a step works with; null if no copy is pending at its destination. */
  copyWork(copier: Copier, task: CopyTask): Promise<Outcome<CopyWork | null>>;
  /** Commits a step, unless it is already committed, and returns the next one. */
  commitCopy(copier: Copier, commit: CopyCommit): Promise<Outcome<CopyTask | null>>;
  /**
   * Records that a copy failed; the watchdog tries it again. `isFatal` is true if the job requires
   * its copies and must fail.
   */
  failCopy(
    copier: Copier,
    failed: { task: CopyTask; failure: Failure },
  ): Promise<Outcome<{ isFatal: boolean; next: CopyTask | null }>>;
  /** Records that the manifest is stored, so that it can be copied, and returns the next step. */
  recordManifest(copier: Copier): Promise<Outcome<CopyTask | null>>;
}
