import { createHash } from "node:crypto";

import type { PackMember } from "../../api/pack-index.ts";
import { ExportError } from "../../api/errors.ts";
import { assert } from "../../lib/assert.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { compareUtf8 } from "../../lib/compare-utf8.ts";
import type { StoredPart, Upload } from "../../rpc/stored-object.ts";
import type { ArtifactStore } from "../artifact-store.ts";
import { readObjectBlocks } from "../read-object-blocks.ts";
import { returnPartBuffer } from "../writer/part-buffers.ts";
import { PartCutter } from "../writer/part-cutter.ts";

/** The place and the form of a pack that is written. */
export interface PackPlace {
  store: ArtifactStore;
  key: string;
  contentType: string;
  partBytes: number;
  /** Called once, before the first part is sent, with the upload that must be aborted if the attempt fails. */
  recordUpload: (upload: Upload) => Promise<void>;
}

/** A finished pack. */
export interface WrittenPack {
  bytes: number;
  sha256: string;
  members: PackMember[];
  /** What the store billed for the pack. */
  r2ClassAOperations: number;
}

/** A member's whole file, and what is known about it. */
export type NewMember = Omit<PackMember, "offset" | "bytes" | "sha256"> & { file: Uint8Array };

/**
 * Writes the files of many members into one object, one after the other. It holds one part at a time. A pack that is
 * smaller than a part is put whole. Nobody sees the pack until `finish` has read it back.
 */
export class PackWriter {
  readonly #place: PackPlace;
  readonly #cutter: PartCutter;
  readonly #hash = createHash("sha256");
  readonly #members: PackMember[] = [];
  readonly #parts: StoredPart[] = [];
  #upload: Upload | undefined;
  #bytes = 0;
  #writes = 0;

  constructor(place: PackPlace) {
    this.#place = place;
    this.#cutter = new PartCutter(place.partBytes);
  }

  /** The bytes of all members so far. */
  get bytes(): number {
    return this.#bytes;
  }

  get memberCount(): number {
    return this.#members.length;
  }

  /** Adds the next member, whose name must sort after the last one's. Copies `file`. Errors: those of the store. */
  async add({ file, ...member }: NewMember): Promise<void> {
    const last = this.#members.at(-1);
    assert(
      last === undefined || compareUtf8(last.member, member.member) < 0,
      "the members of a pack are added in order, each once",
    );
    this.#members.push({
      ...member,
      offset: this.#bytes,
      bytes: file.byteLength,
      sha256: createHash("sha256").update(file).digest("hex"),
    });
    this.#hash.update(file);
    this.#cutter.push(file);
    this.#bytes += file.byteLength;
    for (let part = this.#cutter.takePart(); part !== undefined; part = this.#cutter.takePart()) {
      await this.#send(part);
      returnPartBuffer(part);
    }
  }

  async #send(bytes: Uint8Array): Promise<void> {
    const { store, key, contentType, recordUpload } = this.#place;
    if (this.#upload === undefined) {
      const upload = { key, uploadId: await store.createUpload(key, { contentType }) };
      this.#writes += 1;
      await recordUpload(upload).catch(async (error: unknown) => {
        // Nobody else knows the upload.
        await store.abortUpload(upload);
        throw error;
      });
      this.#upload = upload;
    }
    this.#parts.push(await store.putPart(this.#upload, this.#parts.length + 1, bytes));
    this.#writes += 1;
  }

  /**
   * Stores the pack, reads it back, and returns what it contains. `beat` is called often. Errors: those of the store;
   * `artifact-corrupt` if the bytes that are read back differ from those that were written.
   */
  async finish(beat: () => Promise<void> = async () => {}): Promise<WrittenPack> {
    const { store, key, contentType } = this.#place;
    const rest = concatBytes(this.#cutter.rest());
    this.#cutter.clear();
    if (this.#upload === undefined) {
      await store.put(key, rest, { contentType });
    } else {
      if (rest.byteLength > 0) await this.#send(rest);
      await store.completeUpload(this.#upload, this.#parts);
    }
    this.#writes += 1;
    const sha256 = this.#hash.digest("hex");
    await this.#requireStored(sha256, beat);
    return {
      bytes: this.#bytes,
      sha256,
      members: this.#members,
      r2ClassAOperations: this.#writes * store.billedOperations.write,
    };
  }

  async #requireStored(sha256: string, beat: () => Promise<void>): Promise<void> {
    const { store, key } = this.#place;
    const object = await store.find(key);
    if (object?.bytes !== this.#bytes) {
      const found = object === undefined ? "is not in the store" : `has ${object.bytes} bytes`;
      throw new ExportError(
        "artifact-corrupt",
        `the pack ${key} ${found}, but ${this.#bytes} bytes were written`,
      );
    }
    const hash = createHash("sha256");
    for await (const block of readObjectBlocks(store, {
      key,
      name: "the pack",
      bytes: this.#bytes,
    })) {
      hash.update(block);
      await beat();
    }
    if (hash.digest("hex") === sha256) return;
    throw new ExportError("artifact-corrupt", `the pack ${key} differs from what was written`);
  }
}
