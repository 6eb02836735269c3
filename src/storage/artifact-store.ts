import type { StoredObject, StoredPart, Upload } from "../rpc/stored-object.ts";
import { ExportError } from "../api/errors.ts";

/** What an object is stored with; a store keeps it as the object's HTTP metadata where it can. */
interface ObjectMetadata {
  contentType: string;
}

/** A range of an object: `length` bytes from `offset`, both within it. */
export interface ByteRange {
  offset: number;
  length: number;
}

/**
 * Keeps finished files. Objects are written once and never changed; until its upload is completed
 * an object does not exist for anybody.
 *
 * All calls throw ExportError: `storage-unavailable` where trying again may help, else
 * `artifact-corrupt`, or what an adapter names besides. `test/contract/artifact-store.ts` is this
 * contract as a suite, and every adapter runs it.
 */
export interface ArtifactStore {
  readonly kind: "r2" | "inline";
  /** Stores a small object whole. Repeating it with the same bytes changes nothing. */
  put(key: string, bytes: Uint8Array, metadata: ObjectMetadata): Promise<StoredObject>;
  /** Begins an upload. Not idempotent: each call makes a new one. */
  createUpload(key: string, metadata: ObjectMetadata): Promise<string>;
  /**
   * Stores part `number` (from 1). All parts but the last are of equal size. Repeating replaces it.
   * Once it is stored `bytes` may be written to again.
   */
  putPart(upload: Upload, number: number, bytes: Uint8Array): Promise<StoredPart>;
  /**
   * Makes the object of exactly `parts`, which must be numbered without gap. May be called again
   * after it succeeded: an object of the right size that is there already is the answer. Errors:
   * `artifact-corrupt` where the store holds other parts than those given, or no such upload.
   */
  completeUpload(upload: Upload, parts: readonly StoredPart[]): Promise<StoredObject>;
  /** Gives up an upload and frees its parts. Aborting what is completed or gone does nothing. */
  abortUpload(upload: Upload): Promise<void>;
  find(key: string): Promise<StoredObject | undefined>;
  /** The object's bytes, or those of a range, as a byte stream; undefined where there is no such object. */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Removes objects. Removing what is not there does nothing. */
  delete(keys: readonly string[]): Promise<void>;
}

/**
 * R2 accepts a list with a number left out, and an empty one, and makes an object with a hole; so
 * every adapter looks first. Errors: `artifact-corrupt`.
 */
export function requireWholeList(parts: readonly StoredPart[]): void {
  const whole = parts.length > 0 && parts.every((part, at) => part.number === at + 1);
  if (!whole) {
    throw new ExportError("artifact-corrupt", "the ledger's list of parts has a gap");
  }
}
