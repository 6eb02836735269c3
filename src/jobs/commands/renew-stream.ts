import { ExportError } from "../../api/errors.ts";
import { renewStreamIf } from "../tables/stream-rows.ts";

/** Extends the lease of a stream. Errors: `stream-expired`. */
export function renewStream(sql: SqlStorage, streamId: string): void {
  if (renewStreamIf(sql, { streamId, nowMs: Date.now() })) return;
  throw new ExportError("stream-expired", `the lease of stream ${streamId} has expired`);
}
