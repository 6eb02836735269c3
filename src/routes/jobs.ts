import { Hono } from "hono";
import * as v from "valibot";

import { getExportJobs } from "../config/bindings.ts";
import { encodeUtf8, fromBase64, decodeUtf8, toBase64 } from "../lib/bytes.ts";
import { unwrap } from "../rpc/outcome.ts";
import { ExportError } from "../api/errors.ts";
import { ExportRequestSchema, IdempotencyKeySchema } from "../api/export-request.ts";
import { BODY_BYTES_MAX } from "../api/limits.ts";
import { ListQuerySchema } from "../api/list-query.ts";
import { newJobOf } from "../intake/new-job.ts";
import type { AppEnv } from "./app-env.ts";
import { readJson, readQuery, validate } from "./middleware/parse-input.ts";
import { answerOrigin, storedOrigin, withAbsoluteLinks } from "./links.ts";

/** How long a client waits before it asks again, in seconds. */
const POLL_SECONDS = "2";

const JobId = v.pipe(v.string(), v.uuid());

/** `POST /export/dump`, the job view, cancel and delete, and the list. */
export const jobRoutes = new Hono<AppEnv>()
  .post("/export/dump", async (context) => {
    const config = context.get("config");
    const body = (await readJson(context, BODY_BYTES_MAX)) ?? {};
    const request = validate(ExportRequestSchema, body, "the body");
    const key = context.req.header("idempotency-key");
    const idempotencyKey =
      key === undefined ? null : validate(IdempotencyKeySchema, key, "Idempotency-Key");
    const origin = storedOrigin(context);
    const { env } = context;
    const job = await newJobOf(config, request, { env, idempotencyKey, origin, nowMs: Date.now() });
    const { view: stored, replayed } = unwrap(await getExportJobs(context.env).create(job));
    const view = withAbsoluteLinks(stored, answerOrigin(context));
    return context.json(view, 202, {
      location: view.links.self,
      "retry-after": POLL_SECONDS,
      ...(replayed ? { "idempotency-replayed": "true" } : {}),
    });
  })
  .get("/export/dump/:jobId", async (context) => {
    const jobId = jobIdOf(context.req.param("jobId"));
    const view = unwrap(await getExportJobs(context.env).view(jobId));
    return context.json(withAbsoluteLinks(view, answerOrigin(context)));
  })
  .delete("/export/dump/:jobId", async (context) => {
    const jobId = jobIdOf(context.req.param("jobId"));
    const mayDelete = context.get("access") === "full";
    const view = unwrap(await getExportJobs(context.env).remove(jobId, { mayDelete }));
    if (view === null) return context.body(null, 204);
    return context.json(withAbsoluteLinks(view, answerOrigin(context)));
  })
  .get("/export/jobs", async (context) => {
    const query = validate(ListQuerySchema, readQuery(context), "the query");
    const { jobs, next } = await getExportJobs(context.env).list({
      status: query.status,
      limit: query.limit,
      after: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
    });
    const origin = answerOrigin(context);
    const views = jobs.map((view) => withAbsoluteLinks(view, origin));
    return context.json({ jobs: views, cursor: next === null ? null : encodeCursor(next) });
  });

/** A job's id from a path. Errors: `job-not-found` for what cannot be one. */
export function jobIdOf(text: string): string {
  const parsed = v.safeParse(JobId, text);
  if (parsed.success) return parsed.output.toLowerCase();
  throw new ExportError("job-not-found", `there is no job ${JSON.stringify(text.slice(0, 100))}`);
}

const CursorSchema = v.strictObject({ createdAtMs: v.number(), jobId: JobId });

function encodeCursor(cursor: v.InferOutput<typeof CursorSchema>): string {
  return toBase64(encodeUtf8(JSON.stringify(cursor)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

function decodeCursor(text: string): v.InferOutput<typeof CursorSchema> {
  try {
    const json = decodeUtf8(fromBase64(text.replaceAll("-", "+").replaceAll("_", "/")));
    return v.parse(CursorSchema, JSON.parse(json));
  } catch (cause) {
    throw new ExportError("invalid-request", "the query: cursor: not one that this list gave", {
      cause,
    });
  }
}
