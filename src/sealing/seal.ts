import { createCipheriv, hkdfSync } from "node:crypto";

import { Encrypter } from "age-encryption";

import { ExportError } from "../api/errors.ts";
import { assert } from "../lib/assert.ts";

/**
 * What makes a sealed file: every sealed byte follows from it and the plain bytes. Anyone who has the
 * `streamKey` can open the file, so it is stored only until the file is sealed, and is never logged.
 */
export interface Seal {
  /** The start of the file: age's header, which holds the key for each recipient, and the nonce. */
  header: Uint8Array;
  /** 32 bytes. */
  streamKey: Uint8Array;
}

/** A range of a sealed file, within it. */
export interface SealedRange {
  offset: number;
  length: number;
}

/** Sizes of age's format: https://age-encryption.org/v1. */
const CHUNK_BYTES = 64 * 1024;
const TAG_BYTES = 16;
const NONCE_BYTES = 16;
const SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES;

/** Creates the seal of one file for age recipients, which `parseRecipients` has checked. Random. */
export async function createSeal(recipients: readonly string[]): Promise<Seal> {
  assert(recipients.length > 0, "a seal has a recipient");
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey = new Uint8Array();
  encrypter.addRecipient({
    // The library shows the file's key only to a recipient. This one adds nothing to the header.
    wrapFileKey: (key) => {
      fileKey = key.slice();
      return [];
    },
  });
  const empty = await encrypter.encrypt(new Uint8Array());
  const header = empty.slice(0, -TAG_BYTES);
  const nonce = header.subarray(-NONCE_BYTES);
  const streamKey = new Uint8Array(hkdfSync("sha256", fileKey, nonce, "payload", 32));
  return { header, streamKey };
}

/** Returns how many bytes a file of `plainBytes` has when it is sealed. */
export function countSealedBytes({ header }: Pick<Seal, "header">, plainBytes: number): number {
  const chunks = countChunks(plainBytes);
  return header.byteLength + plainBytes + chunks * TAG_BYTES;
}

/**
 * Returns a range of a sealed file: always the same bytes for the same seal and plain file. `read`
 * returns a range of the plain file, which has `plainBytes`, or nothing if the file is gone. Holds
 * the range and one chunk of 64 KiB. Errors: `artifact-missing` if the plain file is gone or
 * shorter.
 */
export async function sealRange(
  seal: Seal,
  plainBytes: number,
  { offset, length }: SealedRange,
  read: (plain: {
    offset: number;
    length: number;
  }) => Promise<ReadableStream<Uint8Array> | undefined>,
): Promise<Uint8Array> {
  assert(offset >= 0 && offset + length <= countSealedBytes(seal, plainBytes), "a range is within");
  const sealed = new Uint8Array(length);
  /** Copies the part of `bytes`, which are at `position` of the sealed file, that is in the range. */
  const place = (bytes: Uint8Array, position: number): void => {
    const from = Math.max(offset, position);
    const to = Math.min(offset + length, position + bytes.byteLength);
    if (from < to) sealed.set(bytes.subarray(from - position, to - position), from - offset);
  };
  const headerBytes = seal.header.byteLength;
  place(seal.header, 0);
  const chunks = countChunks(plainBytes);
  const first = Math.max(0, Math.floor((offset - headerBytes) / SEALED_CHUNK_BYTES));
  const end = Math.min(chunks, Math.ceil((offset + length - headerBytes) / SEALED_CHUNK_BYTES));
  if (first >= end) return sealed;

  const plain = {
    offset: first * CHUNK_BYTES,
    length: Math.min(end * CHUNK_BYTES, plainBytes) - first * CHUNK_BYTES,
  };
  let index = first;
  for await (const chunk of readChunks(plain, read)) {
    const sealedChunk = sealChunk(seal.streamKey, chunk, { index, isLast: index === chunks - 1 });
    place(sealedChunk, headerBytes + index * SEALED_CHUNK_BYTES);
    index += 1;
  }
  assert(index === end, "all chunks of a range are sealed");
  return sealed;
}

/** An empty file has one empty chunk. */
function countChunks(plainBytes: number): number {
  return Math.max(1, Math.ceil(plainBytes / CHUNK_BYTES));
}

/** Yields the chunks of a range of the plain file. The range starts with a chunk. */
async function* readChunks(
  range: { offset: number; length: number },
  read: Parameters<typeof sealRange>[3],
): AsyncGenerator<Uint8Array> {
  if (range.length === 0) {
    yield new Uint8Array();
    return;
  }
  const body = await read(range);
  if (body === undefined) throw new ExportError("artifact-missing", "the file to seal is gone");
  const chunk = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  let missing = range.length;
  for await (let piece of body) {
    missing -= piece.byteLength;
    while (piece.byteLength > 0) {
      const fitting = piece.subarray(0, CHUNK_BYTES - filled);
      chunk.set(fitting, filled);
      filled += fitting.byteLength;
      piece = piece.subarray(fitting.byteLength);
      if (filled < CHUNK_BYTES) continue;
      yield chunk;
      filled = 0;
    }
  }
  if (missing !== 0) {
    throw new ExportError("artifact-missing", `the file to seal lacks ${missing} bytes`);
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}

function sealChunk(
  streamKey: Uint8Array,
  chunk: Uint8Array,
  { index, isLast }: { index: number; isLast: boolean },
): Uint8Array {
  // A counter of 11 bytes, and 1 for the last chunk.
  const nonce = new Uint8Array(12);
  new DataView(nonce.buffer).setBigUint64(3, BigInt(index));
  nonce[11] = isLast ? 1 : 0;
  const cipher = createCipheriv("chacha20-poly1305", streamKey, nonce, {
    authTagLength: TAG_BYTES,
  });
  const sealed = new Uint8Array(chunk.byteLength + TAG_BYTES);
  sealed.set(cipher.update(chunk), 0);
  cipher.final();
  sealed.set(cipher.getAuthTag(), chunk.byteLength);
  return sealed;
}
