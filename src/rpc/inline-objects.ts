import type { OpenObject, PartPiece, StoredObject, StoredPart, Upload } from "./stored-object.ts";
import type { Outcome } from "./outcome.ts";

/**
 * The jobs object's methods for files that are stored in the jobs database. `ArtifactStore`
 * describes what each one promises. Failures of each: `run-superseded`, `inline-storage-full`,
 * `artifact-corrupt`, `storage-unavailable`.
 */
export interface InlineObjects {
  putObject(key: string, bytes: Uint8Array): Promise<Outcome<StoredObject>>;
  createUpload(key: string): Promise<Outcome<string>>;
  putPiece(piece: PartPiece): Promise<Outcome<void>>;
  completeUpload(upload: Upload, parts: readonly StoredPart[]): Promise<Outcome<StoredObject>>;
  abortUpload(upload: Upload): Promise<Outcome<void>>;
  findObject(key: string): Promise<Outcome<StoredObject | null>>;
  readObject(
    object: OpenObject,
    range: { offset: number; bytesMax: number },
  ): Promise<Outcome<Uint8Array<ArrayBuffer>>>;
  deleteObjects(keys: readonly string[]): Promise<Outcome<void>>;
}
