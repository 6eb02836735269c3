import type { JobRequest } from "../api/export-request.ts";
import type { Outcome } from "./outcome.ts";

/** The jobs object's methods for streams: dumps that are sent as one answer. */
export interface StreamJobs {
  /** Takes a database's lock for a stream. Failures: `export-already-running`. */
  beginStream(stream: NewStream): Promise<Outcome<void>>;
  /** Extends the lease of a stream whose client still reads. Failures: `stream-expired`. */
  renewStream(streamId: string): Promise<Outcome<void>>;
  /** Frees the lock. To be called once nothing of the stream is left in its source. */
  endStream(streamId: string): void;
  /** Returns what an expired stream has left to be closed; null if it is not expired, or has ended. */
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

/** What is left of a stream. */
export type StreamToClose = Pick<NewStream, "request" | "snapshotId">;
