import type { ErrorCode } from "../api/error-codes.ts";
import { findDefaultSource } from "../config/settings.ts";
import {
  DumpStreamQuerySchema,
  type StreamRequest,
  TableStreamQuerySchema,
} from "../api/stream-query.ts";
import { openStream } from "../streams/open-stream.ts";
import { type PlannedFile, planStream } from "../streams/plan-stream.ts";
import { formatContentDisposition } from "./files/content-disposition.ts";
import { type AllowedCall, type Answer, route } from "./route.ts";

const STREAM_ANSWERS: readonly Answer[] = [
  {
    status: 200,
    description:
      "The file, sent while it is read. If the connection is aborted, the file is incomplete",
    content: "bytes",
    headers: [
      { name: "Content-Disposition", description: "The file's name (RFC 6266)." },
      { name: "Export-Snapshot-At", description: "The instant of the dump; missing for `live`." },
      { name: "Export-Warnings", description: "A JSON list of warnings, if there are any." },
    ],
  },
];

const STREAM_ERRORS: readonly ErrorCode[] = [
  "invalid-request",
  "source-not-found",
  "table-not-found",
  "mask-invalid",
  "export-already-running",
  "restore-already-running",
  "snapshot-busy",
  "schema-changed",
  "catalog-unreadable",
  "table-too-wide-for-snapshot",
  "name-too-long",
  "too-many-tables-for-snapshot",
  "table-not-pageable",
  "stream-expired",
  "source-unavailable",
  "source-timeout",
  "source-query-failed",
];

/** Dumps and tables as streams. */
export const streamRoutes = [
  route({
    method: "GET",
    path: "/export/dump",
    operationId: "streamDump",
    summary: "Stream a dump, without a job",
    description:
      "The same bytes as a job's file. Anything larger than a page locks and freezes the database until the " +
      "stream ends, its client leaves, or the client reads nothing for two minutes. Formats that write one " +
      "file per table require exactly one table.",
    access: "full",
    isCounted: true,
    query: DumpStreamQuerySchema,
    answers: STREAM_ANSWERS,
    errors: STREAM_ERRORS,
    handler: (call) => {
      const { include, exclude, ...request } = call.query;
      return sendStream(call, {
        ...request,
        tables: { ...(include && { include }), ...(exclude && { exclude }) },
      });
    },
  }),

  route({
    method: "GET",
    path: "/export/csv/:table",
    operationId: "streamCsv",
    summary: "Stream a table as CSV, without a job",
    access: "full",
    isCounted: true,
    query: TableStreamQuerySchema,
    answers: STREAM_ANSWERS,
    errors: STREAM_ERRORS,
    handler: (call) => {
      const { query, params } = call;
      return sendStream(call, { ...query, format: "csv", content: "data", table: params.table });
    },
  }),

  route({
    method: "GET",
    path: "/export/json/:table",
    operationId: "streamJson",
    summary: "Stream a table as a JSON array, without a job",
    access: "full",
    isCounted: true,
    query: TableStreamQuerySchema,
    answers: STREAM_ANSWERS,
    errors: STREAM_ERRORS,
    handler: (call) => {
      const { query, params } = call;
      return sendStream(call, { ...query, format: "json", content: "data", table: params.table });
    },
  }),
];

/** HEAD returns the same headers as GET, but locks and freezes nothing. */
async function sendStream(
  { context, settings }: AllowedCall,
  query: Omit<StreamRequest, "source"> & { source?: string | undefined },
): Promise<Response> {
  const request = { ...query, source: query.source ?? findDefaultSource(settings) };
  const { env } = context;
  const planned = await planStream(env, settings, request);
  if (context.req.method === "HEAD") {
    return new Response(null, { headers: makeHeaders(planned.file, planned.dump.plan) });
  }
  const stream = await openStream(planned, { env, config: settings });
  return new Response(stream.body, { headers: makeHeaders(stream.file, stream) });
}

function makeHeaders(
  file: PlannedFile,
  { atMs, warnings }: { atMs?: number | undefined; warnings: readonly string[] },
): Headers {
  const headers = new Headers({
    "content-type": file.contentType,
    "content-disposition": formatContentDisposition(file.name),
    "cache-control": "no-store, no-transform",
    // A part from another instant would belong to another file.
    "accept-ranges": "none",
  });
  if (atMs !== undefined) headers.set("export-snapshot-at", new Date(atMs).toISOString());
  if (warnings.length > 0) headers.set("export-warnings", formatWarnings(warnings));
  return headers;
}

/** A header must be short. A job reports the warnings that do not fit. */
const WARNINGS_CHARS_MAX = 4_000;

/** Returns the warnings as a JSON list in ASCII, cut to whole sentences. */
function formatWarnings(warnings: readonly string[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const text of warnings.map(toAsciiJson)) {
    length += text.length;
    if (length > WARNINGS_CHARS_MAX) break;
    shown.push(text);
  }
  const left = warnings.length - shown.length;
  if (left > 0) shown.push(toAsciiJson(`${left} more: start a job to read them`));
  return `[${shown.join(",")}]`;
}

function toAsciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
