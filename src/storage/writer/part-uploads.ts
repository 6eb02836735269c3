import type { ArtifactRecord } from "../../rpc/artifact-record.ts";
import type { StoredPart, Upload } from "../../rpc/stored-object.ts";
import { assert } from "../../lib/assert.ts";
import type { ArtifactStore } from "../artifact-store.ts";

/** Parts on their way at once. With the one being filled, that is all a run holds in memory. */
const IN_FLIGHT_MAX = 2;

/** Sends the parts of one artifact in order, some of them at once, and collects what became of them. */
export class PartUploads {
  readonly #store: ArtifactStore;
  readonly #upload: Upload | undefined;
  readonly #inFlight = new Set<Promise<unknown>>();
  readonly #sent: Promise<StoredPart>[] = [];
  #number: number;

  constructor(store: ArtifactStore, artifact: ArtifactRecord | undefined) {
    this.#store = store;
    this.#upload =
      artifact?.state === "uploading" && artifact.uploadId !== null
        ? { key: artifact.objectKey, uploadId: artifact.uploadId }
        : undefined;
    this.#number = artifact?.partCount ?? 0;
  }

  get isOpen(): boolean {
    return this.#upload !== undefined;
  }

  /**
   * Starts sending; waits only while too many parts are on their way. `bytes` are the caller's
   * again when `stored` is called, and not at all where sending fails. Throws what an earlier one
   * threw.
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

  /** Resolves when nothing is on its way any more, however it ended. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#sent);
  }

  /** The parts sent so far, once all have arrived. */
  settle(): Promise<StoredPart[]> {
    return Promise.all(this.#sent);
  }
}
