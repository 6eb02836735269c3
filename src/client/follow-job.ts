import type { ErrorCode } from "../api/error-codes.ts";
import type { EventsOptions, JobEvent, WaitOptions } from "./client-options.ts";
import type { Connection } from "./connection.ts";
import { ExportApiError } from "./export-api-error.ts";
import { readServerSentEvents } from "./server-sent-events.ts";
import { wait } from "./wait.ts";

/** How long `events` waits before it connects again. */
const RECONNECT_MS = 2_000;

/**
 * Lists the events of the job at `path`. If the connection ends, it connects again after the last event. It throws
 * if `retries` connections in a row bring nothing.
 */
export async function* followJob<View>(
  connection: Connection,
  { path, jobId }: { path: string; jobId: string },
  { signal, lastEventId }: EventsOptions,
): AsyncGenerator<JobEvent<View>, void, void> {
  let lastId = lastEventId;
  let failures = 0;
  for (;;) {
    try {
      const { status, body } = await connection.send({
        path: `${path}/events`,
        jobId,
        ...(lastId === undefined ? {} : { headers: { "last-event-id": lastId } }),
        signal,
      });
      // The end is already known.
      if (status === 204 || body === null) return;
      for await (const { type, id, data } of readServerSentEvents(body)) {
        lastId = id;
        failures = 0;
        yield { type, id, job: JSON.parse(data) as unknown } as JobEvent<View>;
        if (type === "end" || type === "deleted") return;
      }
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      // `send` has already repeated the call.
      if (error instanceof ExportApiError || failures > connection.retries) throw error;
    }
    await wait(RECONNECT_MS, signal);
  }
}

/**
 * Returns a job's last view. Errors: `job-not-found` if the job is removed while it is followed; those of `events`.
 */
export async function waitForEnd<View>(
  jobId: string,
  events: AsyncIterable<JobEvent<View>>,
  { onProgress }: WaitOptions<View>,
): Promise<View> {
  for await (const { type, job } of events) {
    if (type === "deleted") break;
    onProgress?.(job);
    if (type === "end") return job;
  }
  const code: ErrorCode = "job-not-found";
  throw new ExportApiError({ status: 404, code, message: "the job was removed", jobId });
}
