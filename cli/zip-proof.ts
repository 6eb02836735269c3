import { createHash, type Hash } from "node:crypto";

import type { ManifestText } from "./answers.ts";
import { ZIP_MANIFEST, ZIP_SIGNATURE } from "./output-place.ts";
import type { Proof } from "./proof.ts";
import { storedArtifact } from "./stored-artifact.ts";

const LOCAL_HEADER = 0x04034b50;
/**
 * What may follow the last file: the directory's first record, or the end of the directory if it is
 * empty.
 */
const BEHIND_FILES = new Set([0x02014b50, 0x06064b50, 0x06054b50]);
const SIGNATURE_BYTES = 4;
const LOCAL_HEADER_BYTES = 30;
const ZIP64_EXTRA = 0x0001;
/** The size of a signature. */
const ED25519_BYTES = 64;
const MAX_32 = 0xffffffff;
/** Data descriptors: sizes would come after the bytes. */
const SIZES_BEHIND = 1 << 3;

interface LocalFile {
  name: string;
  bytes: number;
}

/** A file whose bytes are arriving. */
interface OpenFile extends LocalFile {
  hash: Hash;
  leftBytes: number;
}

/**
 * Verifies the Worker's ZIP of several artifacts. It must contain the manifest and each of its artifacts once, with
 * the right size and SHA-256, the signature if the manifest is signed, and nothing else. The manifest names the job, so the beginning of another job's ZIP
 * does not pass. It reads only stored files whose sizes precede them, as the Worker writes them, and rejects any
 * other ZIP.
 */
export class ZipProof implements Proof {
  readonly #whole = createHash("sha256");
  /** Without the SHA-256 of a signature that is not known: a signature proves itself. */
  readonly #missing: Map<string, { bytes: number; sha256?: string }>;
  #state: "files" | "directory" | "wrong" = "files";
  #header: Buffer = Buffer.alloc(0);
  #file: OpenFile | undefined;

  constructor({ text, signature, manifest: { artifacts, signed } }: ManifestText) {
    const stored = artifacts.map(storedArtifact);
    this.#missing = new Map(stored.map((artifact) => [artifact.name, artifact]));
    this.#missing.set(ZIP_MANIFEST, {
      bytes: Buffer.byteLength(text),
      sha256: createHash("sha256").update(text).digest("hex"),
    });
    if (signed !== true) return;
    this.#missing.set(ZIP_SIGNATURE, {
      bytes: ED25519_BYTES,
      ...(signature && { sha256: createHash("sha256").update(signature).digest("hex") }),
    });
  }

  update(chunk: Uint8Array): void {
    this.#whole.update(chunk);
    let rest = chunk;
    while (rest.length > 0 && this.#state === "files") {
      rest = this.#file === undefined ? this.#readHeader(rest) : this.#readFile(this.#file, rest);
    }
  }

  end(): { isProved: boolean; sha256: string } {
    return {
      isProved: this.#state === "directory" && this.#missing.size === 0,
      sha256: this.#whole.digest("hex"),
    };
  }

  /** Returns the unused rest of the chunk, as the next method does. */
  #readHeader(chunk: Uint8Array): Uint8Array {
    const bytes = chunk.subarray(0, headerBytesOf(this.#header) - this.#header.length);
    const header = Buffer.concat([this.#header, bytes]);
    this.#header = header;
    if (header.length === SIGNATURE_BYTES && header.readUInt32LE(0) !== LOCAL_HEADER) {
      this.#state = BEHIND_FILES.has(header.readUInt32LE(0)) ? "directory" : "wrong";
    } else if (header.length >= LOCAL_HEADER_BYTES && header.length === headerBytesOf(header)) {
      this.#header = Buffer.alloc(0);
      this.#openFile(parseLocalHeader(header));
    }
    return chunk.subarray(bytes.length);
  }

  #openFile(of: LocalFile | undefined): void {
    if (of === undefined) {
      this.#state = "wrong";
      return;
    }
    const file = { ...of, hash: createHash("sha256"), leftBytes: of.bytes };
    if (file.leftBytes === 0) this.#closeFile(file);
    else this.#file = file;
  }

  #readFile(file: OpenFile, chunk: Uint8Array): Uint8Array {
    const bytes = chunk.subarray(0, file.leftBytes);
    file.hash.update(bytes);
    file.leftBytes -= bytes.length;
    if (file.leftBytes === 0) this.#closeFile(file);
    return chunk.subarray(bytes.length);
  }

  #closeFile({ name, bytes, hash }: OpenFile): void {
    this.#file = undefined;
    const expected = this.#missing.get(name);
    this.#missing.delete(name);
    const sha256 = hash.digest("hex");
    if (expected?.bytes !== bytes || (expected.sha256 ?? sha256) !== sha256) this.#state = "wrong";
  }
}

/**
 * Returns the length of a local header, as far as the available bytes show it: its signature, its
 * fixed part, the whole.
 */
function headerBytesOf(header: Buffer): number {
  if (header.length < SIGNATURE_BYTES) return SIGNATURE_BYTES;
  if (header.length < LOCAL_HEADER_BYTES) return LOCAL_HEADER_BYTES;
  return LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** Undefined if it is not the header of a stored file with a known size. */
function parseLocalHeader(header: Buffer): LocalFile | undefined {
  const isStored = header.readUInt16LE(8) === 0;
  const hasSizes = (header.readUInt16LE(6) & SIZES_BEHIND) === 0;
  if (!isStored || !hasSizes) return undefined;
  const nameEnd = LOCAL_HEADER_BYTES + header.readUInt16LE(26);
  const name = header.toString("utf8", LOCAL_HEADER_BYTES, nameEnd);
  const bytes = header.readUInt32LE(22);
  if (bytes !== MAX_32) return { name, bytes };
  const large = zip64SizeOf(header.subarray(nameEnd));
  return large === undefined ? undefined : { name, bytes: large };
}

/** Returns the size of a file from the ZIP64 record among its extra fields. */
function zip64SizeOf(extra: Buffer): number | undefined {
  for (let at = 0; at + 12 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === ZIP64_EXTRA) return Number(extra.readBigUInt64LE(at + 4));
  }
  return undefined;
}
