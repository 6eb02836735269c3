import { createHash } from "node:crypto";

import { ExportError } from "../../api/errors.ts";
import { MIB, PARTS_MAX } from "../../api/limits.ts";
import type { CopiedFile } from "../../rpc/copy-jobs.ts";
import type { ArtifactStore, ByteRange } from "../../storage/artifact-store.ts";

/** The smallest part of a copy; a file up to this size is copied whole. */
const PART_BYTES = 8 * MIB;

/** After this many bytes, or this long, a step of copying ends, so that little is repeated. */
const STEP_BYTES_MAX = 256 * MIB;
const STEP_MS_MAX = 60_000;

/** How many small files one step may copy: each costs a few requests. */
const STEP_FILES_MAX = 250;

/** One attempt of a step of copying: its two stores, and how much it has done. */
export class CopyPlace {
  readonly from: ArtifactStore;
  readonly to: ArtifactStore;
  readonly beat: () => Promise<void>;
  /** The public keys for which files are sealed. */
  readonly recipients: readonly string[];
  readonly #folder: string;
  readonly #startedAtMs = Date.now();
  #bytes = 0;
  #writes = 0;

  constructor(place: {
    from: ArtifactStore;
    to: ArtifactStore;
    folder: string;
    recipients: readonly string[];
    beat: () => Promise<void>;
  }) {
    this.from = place.from;
    this.to = place.to;
    this.beat = place.beat;
    this.recipients = place.recipients;
    this.#folder = place.folder;
  }

  /** Returns a file's key at the destination. */
  keyOf({ copyName }: CopiedFile): string {
    return `${this.#folder}${copyName}`;
  }

  /** Counts what was sent or read back, and the calls that wrote. */
  count({ bytes = 0, writes = 0 }: { bytes?: number; writes?: number }): void {
    this.#bytes += bytes;
    this.#writes += writes;
  }

  /** True if the step must end although there is more to do. */
  isOver(files = 0): boolean {
    return (
      files >= STEP_FILES_MAX ||
      this.#bytes >= STEP_BYTES_MAX ||
      Date.now() - this.#startedAtMs >= STEP_MS_MAX
    );
  }

  /** What the destination bills as Class A operations of R2. */
  get r2ClassAOperations(): number {
    return this.#writes * this.to.billedOperations.write;
  }

  /** Returns a file's size. Errors: `artifact-missing`. */
  async findBytes({ name, objectKey, content }: CopiedFile): Promise<number> {
    if (content !== null) return content.bytes;
    const object = await this.from.find(objectKey);
    if (object === undefined) throw missing(name);
    return object.bytes;
  }

  /** Returns a range of a file that is copied. Errors: `artifact-missing`. */
  async readFile({ name, objectKey }: CopiedFile, range: ByteRange): Promise<Uint8Array> {
    const bytes = await readRange(this.from, objectKey, range);
    if (bytes?.byteLength !== range.length) throw missing(name);
    return bytes;
  }

  /** Returns a range of the copy; undefined if the object is gone or shorter. */
  async readCopy(file: CopiedFile, range: ByteRange): Promise<Uint8Array | undefined> {
    const bytes = await readRange(this.to, this.keyOf(file), range);
    this.count({ bytes: range.length });
    return bytes?.byteLength === range.length ? bytes : undefined;
  }
}

/** Returns the size of the parts of a file, or null if it is copied whole. */
export function choosePartBytes(bytes: number): number | null {
  if (bytes <= PART_BYTES) return null;
  return Math.max(PART_BYTES, Math.ceil(bytes / PARTS_MAX / MIB) * MIB);
}

/** Returns a part's SHA-256 in hex. */
export function hashBytes(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Returns the error of a file that the deployment's store no longer has as it was verified. */
export function missing(name: string): ExportError {
  return new ExportError(
    "artifact-missing",
    `${name} is no longer in the store as it was verified`,
  );
}

async function readRange(
  store: ArtifactStore,
  key: string,
  range: ByteRange,
): Promise<Uint8Array | undefined> {
  const body = await store.read(key, range);
  return body && new Uint8Array(await new Response(body).arrayBuffer());
}
