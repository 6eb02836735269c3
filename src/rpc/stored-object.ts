/** An object as a store has it. */
export interface StoredObject {
  bytes: number;
  /** Opaque, without quotes; changes whenever the object does. */
  etag: string;
}

/** An upload in parts that was begun and not yet completed or aborted. */
export interface Upload {
  key: string;
  uploadId: string;
}

/** Some bytes of a part, which comes in one or several such pieces, in order. */
export interface PartPiece {
  upload: Upload;
  number: number;
  /** Of the attempt that sends the part; another attempt has another one. */
  etag: string;
  /** Within the part: a multiple of `BLOB_BYTES_MAX`. */
  offset: number;
  bytes: Uint8Array;
}

/** An object that is read; `etag` pins it, so that no bytes of its successor can follow. */
export interface OpenObject {
  key: string;
  etag: string;
}

/** A part as the store has it. */
export interface StoredPart {
  /** From 1. */
  number: number;
  bytes: number;
  /** Opaque; differs between two uploads of the same bytes. */
  etag: string;
}
