import type { NewStream } from "../../rpc/stream-jobs.ts";
import type { JobsContext } from "../jobs-context.ts";
import { insertStream } from "../tables/stream-rows.ts";
import { requireUnlocked } from "./require-unlocked.ts";
import { scheduleWatchdog } from "./schedule-watchdog.ts";

/**
 * Takes a database's lock for a stream, until the stream is deleted or its lease expires. Errors:
 * `export-already-running`.
 */
export async function beginStream(context: JobsContext, stream: NewStream): Promise<void> {
  const { sql, storage } = context;
  storage.transactionSync(() => {
    const nowMs = Date.now();
    const { databaseKey, request } = stream;
    requireUnlocked(sql, { databaseKey, source: request.source, nowMs });
    insertStream(sql, stream, nowMs);
  });
  await scheduleWatchdog(context);
}
