import type { JobRequest } from "../api/export-request.ts";
import type { Outcome } from "./outcome.ts";

/** The jobs object's methods for streams: dumps that are sent as one response. */
export interface StreamJobs {
  /** Takes a database's lock for a stream. Failures: `export-already-running`. */
  beginStream(stream: NewStream): Promise<Outcome<void>>;
  /** Extends the lease of a stream whose client is still reading. Failures: `stream-expired`. */
  renewStream(streamId: string): Promise<Outcome<void>>;
  /** Frees the lock. Call it when the source contains nothing of the stream anymore. */
  endStream(streamId: string): void;
  /**
   * Returns what must be closed for an expired stream; null if it has not expired, or has ended.
   */
  streamToClose(streamId: string): StreamToClose | null;
}

/** A stream that takes its database's lock. */
export interface NewStream {
  streamId: string;
  databaseKey: string;
  /** The source whose snapshot must be closed, even if the stream dies. */
  request: Pick<JobRequest, "source" | "name" | "id">;
  /** Null if it reads rows as they are. */
  snapshotId: string | null;
}

/** What remains of a stream. */
export type StreamToClose = Pick<NewStream, "request" | "snapshotId">;
