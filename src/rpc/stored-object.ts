/** An object as a store reports it. */
export interface StoredObject {
  bytes: number;
  /** Opaque, without quotes; changes whenever the object changes. */
  etag: string;
}

/** A multipart upload that was started but not yet completed or aborted. */
export interface Upload {
  key: string;
  uploadId: string;
}

/** Some bytes of a part. A part arrives in one or more such pieces, in order. */
export interface PartPiece {
  upload: Upload;
  number: number;
  /** Identifies the attempt that sends the part; each attempt has its own. */
  etag: string;
  /** Within the part: a multiple of `BLOB_BYTES_MAX`. */
  offset: number;
  bytes: Uint8Array;
}

/** An object being read; `etag` pins it, so that no bytes of a replacement can follow. */
export interface OpenObject {
  key: string;
  etag: string;
}

/** A part as the store reports it. */
export interface StoredPart {
  /** From 1. */
  number: number;
  bytes: number;
  /** Opaque; differs between two uploads of the same bytes. */
  etag: string;
}
