import type { StoredObject, StoredPart, Upload } from "../rpc/stored-object.ts";
import { ExportError } from "../api/errors.ts";

/** The metadata of an object, for stores that support HTTP metadata. */
interface ObjectMetadata {
  contentType: string;
}

/** A range of an object: `length` bytes from `offset`, both within it. */
export interface ByteRange {
  offset: number;
  length: number;
}

/** A checksum that a store computed from the SHA-256 of each part of a multipart object. */
export interface PartsChecksum {
  /** SHA-256 over the parts' SHA-256 digests, end to end, in lower-case hex. */
  sha256: string;
  /** How many parts there are. */
  parts: number;
}

/** What a store can do or costs. Callers check these abilities, and never which store it is. */
interface StoreAbilities {
  /**
   * How many R2 Class A operations each `put`, `createUpload`, `putPart` and `completeUpload` bills; 0 if the store
   * is free or bills something else. Consequence: runs add them up in a job's `usage.r2ClassAOperations`.
   */
  readonly billedOperations: { readonly write: number };
  /**
   * True if objects take space in the jobs database, which is limited; false for a separate store.
   * Consequence: a job is created, and its plan and chunks are committed, only if that database has
   * space.
   */
  readonly usesJobsDatabase: boolean;
}

/**
 * Keeps finished files. Objects are written once and never changed. Nobody can see an object until
 * its upload is completed.
 *
 * All calls throw ExportError: `storage-unavailable` if another attempt may help, otherwise
 * `artifact-corrupt`, or a code that an adapter documents. `test/contract/artifact-store.ts` is
 * this contract as a suite, and every adapter runs it.
 */
export interface ArtifactStore extends StoreAbilities {
  /** Stores a small object whole. Repeating it with the same bytes changes nothing. */
  put(key: string, bytes: Uint8Array, metadata: ObjectMetadata): Promise<StoredObject>;
  /** Begins an upload and returns its id. Not idempotent: each call creates a new upload. */
  createUpload(key: string, metadata: ObjectMetadata): Promise<string>;
  /**
   * Stores part `number` (from 1). All parts except the last have the same size. Repeating it
   * replaces the part. The caller may write to `bytes` again when the promise resolves. Errors:
   * `artifact-corrupt` if the store has no such upload, `artifact-too-large` above `PARTS_MAX`.
   */
  putPart(upload: Upload, number: number, bytes: Uint8Array): Promise<StoredPart>;
  /**
   * Creates the object from exactly `parts`, whose numbers must have no gap. May be repeated after
   * it succeeded: if an object of the right size already exists, it is returned. Errors:
   * `artifact-corrupt` if the store has other parts, or no such upload.
   */
  completeUpload(upload: Upload, parts: readonly StoredPart[]): Promise<StoredObject>;
  /** Abandons an upload and frees its parts. Does nothing if the upload is completed or gone. */
  abortUpload(upload: Upload): Promise<void>;
  find(key: string): Promise<StoredObject | undefined>;
  /**
   * Returns the checksum that the store itself computed when the object was uploaded in parts;
   * undefined if it has none. Missing if the store computes none. Consequence: an object without a
   * checksum is read back to check what arrived.
   */
  findChecksum?(key: string): Promise<PartsChecksum | undefined>;
  /** Returns the object's bytes, or those of a range, as a byte stream; undefined if there is no such object. */
  read(key: string, range?: ByteRange): Promise<ReadableStream<Uint8Array> | undefined>;
  /** Removes objects. Does nothing for an object that does not exist. */
  delete(keys: readonly string[]): Promise<void>;
}

/**
 * Requires that parts are numbered from 1 without a gap. R2 accepts a list with a gap, or an empty
 * one, and creates an object with a hole, so every adapter calls this first. Errors:
 * `artifact-corrupt`.
 */
export function requireWholeList(parts: readonly StoredPart[]): void {
  const whole = parts.length > 0 && parts.every((part, at) => part.number === at + 1);
  if (!whole) {
    throw new ExportError("artifact-corrupt", "the ledger's list of parts has a gap");
  }
}
