import { type Context, Hono } from "hono";

import { findDefaultSource } from "../config/settings.ts";
import type { ExportFormat } from "../api/export-request.ts";
import {
  DumpStreamQuerySchema,
  type StreamRequest,
  TableStreamQuerySchema,
} from "../api/stream-query.ts";
import { openStream } from "../streams/open-stream.ts";
import { type PlannedFile, planStream } from "../streams/plan-stream.ts";
import type { AppEnv } from "./app-env.ts";
import { readQuery, validate } from "./body.ts";
import { requireRate } from "./middleware/hardening.ts";
import { contentDisposition } from "./send-file.ts";

/**
 * Dumps and tables as streams. HEAD tells what GET would send, and neither locks nor freezes
 * anything.
 */
export const streamRoutes = new Hono<AppEnv>()
  .get("/export/dump", (context) => {
    const query = validate(DumpStreamQuerySchema, readQuery(context, LISTS), "the query");
    const { include, exclude, ...request } = query;
    return sendStream(context, {
      ...request,
      tables: { ...(include && { include }), ...(exclude && { exclude }) },
    });
  })
  .get("/export/csv/:table", (context) => sendTable(context, "csv"))
  .get("/export/json/:table", (context) => sendTable(context, "json"));

/** Parameters that may be given several times. */
const LISTS: ReadonlySet<string> = new Set(["include", "exclude"]);

function sendTable(context: Context<AppEnv>, format: ExportFormat): Promise<Response> {
  const query = validate(TableStreamQuerySchema, readQuery(context, LISTS), "the query");
  const table = context.req.param("table") ?? "";
  return sendStream(context, { ...query, format, content: "data", table });
}

async function sendStream(
  context: Context<AppEnv>,
  query: Omit<StreamRequest, "source"> & { source?: string | undefined },
): Promise<Response> {
  const config = context.get("config");
  const request = { ...query, source: query.source ?? findDefaultSource(config) };
  const { env } = context;
  if (context.req.method !== "HEAD") await requireRate(env);
  const planned = await planStream(env, config, request);
  if (context.req.method === "HEAD") {
    return new Response(null, { headers: headersOf(planned.file, planned.file.plan) });
  }
  const stream = await openStream(planned, { env, config });
  return new Response(stream.body, { headers: headersOf(stream.file, stream) });
}

function headersOf(
  file: PlannedFile,
  of: { atMs?: number | undefined; warnings: readonly string[] },
): Headers {
  const headers = new Headers({
    "content-type": file.contentType,
    "content-disposition": contentDisposition(file.name),
    "cache-control": "no-store, no-transform",
    // A part of another instant would be another file's.
    "accept-ranges": "none",
  });
  if (of.atMs !== undefined) headers.set("export-snapshot-at", new Date(of.atMs).toISOString());
  if (of.warnings.length > 0) headers.set("export-warnings", warningsHeader(of.warnings));
  return headers;
}

/** A header must be short: what does not fit is told by a job alone. */
const WARNINGS_CHARS_MAX = 4_000;

/** The warnings as a JSON list in ASCII, cut to whole sentences. */
function warningsHeader(warnings: readonly string[]): string {
  const shown: string[] = [];
  let length = 0;
  for (const text of warnings.map(asciiJson)) {
    length += text.length;
    if (length > WARNINGS_CHARS_MAX) break;
    shown.push(text);
  }
  const left = warnings.length - shown.length;
  if (left > 0) shown.push(asciiJson(`${left} more: start a job to read them`));
  return `[${shown.join(",")}]`;
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[^\x20-\x7e]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
