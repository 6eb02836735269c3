import { waitUntil } from "cloudflare:workers";

import { type ExportEnv, getExportJobs } from "../config/bindings.ts";
import { unwrap } from "../rpc/outcome.ts";
import { ExportError } from "../api/errors.ts";
import { STREAM_RENEW_MS, STREAM_STALL_MS } from "../api/limits.ts";
import type { NewStream } from "../rpc/stream-jobs.ts";

/**
 * A database's lock as a stream holds it. It is renewed while the client reads. However the stream ends, the lock
 * is released together with what the stream has in its source. If this isolate dies, or its client stalls, the
 * lease expires. The watchdog then starts an instance that does the same.
 */
export class StreamLease {
  readonly #env: ExportEnv;
  readonly #stream: NewStream;
  readonly #close: () => Promise<void>;
  readonly #ended = Promise.withResolvers<void>();
  #renewedAtMs = Date.now();
  #watch: ReturnType<typeof setTimeout> | undefined;
  #release: Promise<void> | undefined;

  /**
   * Takes the lock. `close` removes what the stream has in its source, and may be called at any time. Errors:
   * `export-already-running`.
   */
  static async take(
    env: ExportEnv,
    stream: NewStream,
    close: () => Promise<void>,
  ): Promise<StreamLease> {
    unwrap(await getExportJobs(env).beginStream(stream));
    return new StreamLease(env, stream, close);
  }

  private constructor(env: ExportEnv, stream: NewStream, close: () => Promise<void>) {
    this.#env = env;
    this.#stream = stream;
    this.#close = close;
    // When a client leaves, the request ends, except for the work that it waits for.
    waitUntil(this.#ended.promise);
  }

  /**
   * Records that the client is reading; makes few calls, however often it is called. Errors:
   * `stream-expired`.
   */
  async renew(): Promise<void> {
    const { streamId } = this.#stream;
    clearTimeout(this.#watch);
    const silentMs = Date.now() - this.#renewedAtMs;
    if (silentMs < STREAM_RENEW_MS) return;
    const renewed = await getExportJobs(this.#env)
      .renewStream(streamId)
      .catch((cause: unknown) => {
        // The object restarts when its Worker is deployed; there is time to try again at the next
        // pull.
        if (silentMs < 2 * STREAM_RENEW_MS) return undefined;
        throw cause;
      });
    if (renewed === undefined) return;
    unwrap(renewed);
    this.#renewedAtMs = Date.now();
  }

  /** If `renew` is not called before the client counts as stalled, calls `tell` and releases the lease. */
  watch(tell: (expired: ExportError) => void): void {
    this.#watch = setTimeout(() => {
      const seconds = STREAM_STALL_MS / 1_000;
      const expired = new ExportError("stream-expired", `the client read nothing for ${seconds} s`);
      tell(expired);
      void this.release(expired);
    }, STREAM_STALL_MS);
  }

  /**
   * Closes and unlocks, once; `reason` is the error that broke off the stream, if there was one.
   * The watchdog removes what could not be closed; that is not an error of the stream.
   */
  release(reason?: unknown): Promise<void> {
    this.#release ??= this.#releaseNow(reason).finally(() => this.#ended.resolve());
    return this.#release;
  }

  async #releaseNow(reason: unknown): Promise<void> {
    const { streamId } = this.#stream;
    clearTimeout(this.#watch);
    // The client sees only that its connection broke off, but not why.
    if (reason !== undefined) {
      console.warn({ message: "stream broken off", streamId, cause: String(reason) });
    }
    try {
      await this.#close();
      await getExportJobs(this.#env).endStream(streamId);
    } catch (cause) {
      console.warn({ message: "the watchdog will end it", streamId, cause: String(cause) });
    }
  }
}
