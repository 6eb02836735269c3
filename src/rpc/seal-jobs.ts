import type { ArtifactRecord } from "./artifact-record.ts";
import type { CopiedPart, CopySeal } from "./copy-jobs.ts";
import type { Outcome } from "./outcome.ts";
import type { RunId } from "./run-payload.ts";

/** An artifact that is being sealed in the deployment's own store, and how far it is. */
export interface Sealing {
  /** The key of the sealed file. Random: no other attempt has it. */
  key: string;
  /** The multipart upload; empty if the file is put whole. */
  uploadId: string;
  /** The size of every part except the last, in bytes; null if the file is put whole. */
  partBytes: number | null;
  /** Every sealed byte follows from it. Removed when the file is sealed. */
  seal: CopySeal;
  parts: CopiedPart[];
  /** How often the sealing restarted because the store had other bytes. */
  restarts: number;
}

/** A verified artifact that is still plain, and its sealing; null before that begins. */
export interface SealWork {
  artifact: ArtifactRecord;
  sealing: Sealing | null;
}

/** The start of a sealing. */
export interface BegunSealing {
  ordinal: number;
  replaces: string | null;
  sealing: Sealing;
}

/** A sealed file that was read back, for the artifact `ordinal`. */
export interface SealedFile {
  ordinal: number;
  key: string;
  bytes: number;
  sha256: string;
  crc32: number;
  r2ClassAOperations: number;
}

/** The jobs object's methods for the steps that seal artifacts. Each outcome may fail with `run-superseded`. */
export interface SealJobs {
  /** Returns the first artifact that is still plain; null if all are sealed. */
  sealWork(run: RunId): Promise<Outcome<SealWork | null>>;
  /**
   * Records the start of a sealing, in place of the one with the key `replaces`; null for none. `kept`
   * is false if the artifact has another one, or is sealed.
   */
  beginSealing(run: RunId, begun: BegunSealing): Promise<Outcome<{ kept: boolean }>>;
  /** Records parts that follow those that are recorded; others, of an overtaken attempt, are ignored. */
  recordSealedParts(
    run: RunId,
    sent: { ordinal: number; key: string; parts: CopiedPart[] },
  ): Promise<Outcome<null>>;
  /** Replaces a plain artifact by its sealed file, and removes the plain one. Repeating it changes nothing. */
  commitSealed(run: RunId, sealed: SealedFile): Promise<Outcome<null>>;
}
