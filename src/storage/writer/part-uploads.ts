import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import type { StoredPart, Upload } from "../../rpc/stored-object.ts";
import { assert } from "../../lib/assert.ts";
import type { ArtifactStore } from "../artifact-store.ts";

/**
 * How many parts are sent at once. A run holds only these and the part that is being filled in
 * memory.
 */
const IN_FLIGHT_MAX = 2;

/** Sends the parts of one artifact in order, several at once, and collects what the store returned for them. */
export class PartUploads {
  readonly #store: ArtifactStore;
  readonly #upload: Upload | undefined;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #sent: Promise<StoredPart>[] = [];
  #number: number;

  constructor(store: ArtifactStore, artifact: ArtifactRecord) {
    this.#store = store;
    this.#upload =
      artifact.state === "uploading" && artifact.uploadId !== null
        ? { key: artifact.objectKey, uploadId: artifact.uploadId }
        : undefined;
    this.#number = artifact.partCount;
  }

  /** True if the artifact has an open upload. */
  get isOpen(): boolean {
    return this.#upload !== undefined;
  }

  /**
   * Starts to send the next part, and waits only while too many are being sent. The caller may
   * reuse `bytes` when `stored` is called, which never happens if sending fails. Errors: as
   * `putPart`, including those of an earlier part.
   */
  async send(bytes: Uint8Array, stored: (bytes: Uint8Array) => void = () => {}): Promise<void> {
    assert(this.#upload !== undefined, "parts are sent into an open upload");
    while (this.#inFlight.size >= IN_FLIGHT_MAX) await Promise.race(this.#inFlight);
    this.#number += 1;
    const part = this.#store.putPart(this.#upload, this.#number, bytes).then((kept) => {
      stored(bytes);
      return kept;
    });
    this.#sent.push(part);
    const done = part.finally(() => this.#inFlight.delete(done));
    this.#inFlight.add(done);
    // Its error is thrown by the next `send` or by `settle`.
    done.catch(() => {});
    part.catch(() => {});
  }

  /** Resolves when no part is being sent anymore, whether sending succeeded or failed. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#sent);
  }

  /** Returns the parts sent so far, once all are stored. Errors: as `putPart`. */
  settle(): Promise<StoredPart[]> {
    return Promise.all(this.#sent);
  }
}
