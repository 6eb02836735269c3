import { DeleteQuerySchema } from "../api/delete-query.ts";
import { BODY_BYTES_MAX } from "../api/limits.ts";
import { ListQuerySchema } from "../api/list-query.ts";
import { RestoreRequestSchema } from "../api/restore-request.ts";
import { RestoreListSchema, type RestoreView, RestoreViewSchema } from "../api/restore-view.ts";
import { getExportJobs } from "../config/bindings.ts";
import { prepareRestore } from "../intake/new-restore.ts";
import { unwrap } from "../rpc/outcome.ts";
import { EVENT_ANSWERS, followJob, LAST_EVENT_ID } from "./events.ts";
import { decodeCursor, encodeCursor } from "./job-list.ts";
import { makeAbsolute, resolveAnswerOrigin, resolveStoredOrigin } from "./links.ts";
import { JOB_ID } from "./parameters.ts";
import { route } from "./route.ts";
import {
  describeAccepted,
  IDEMPOTENCY_KEY,
  readIdempotencyKey,
  sendAccepted,
} from "./start-job.ts";

/** Returns the view with its links as URLs. */
function makeRestoreLinksAbsolute(view: RestoreView, origin: string): RestoreView {
  const { self, events } = view.links;
  return {
    ...view,
    links: { self: makeAbsolute(self, origin), events: makeAbsolute(events, origin) },
  };
}

/** `POST /import/dump`, the view, events, cancel and delete of restores, and `GET /import/jobs`. */
export const restoreRoutes = [
  route({
    method: "POST",
    path: "/import/dump",
    operationId: "startRestore",
    summary: "Start a restore",
    description:
      "Restores an SQL script into a writable source. One restore or export per database runs at a time. " +
      "A repeat with the same Idempotency-Key and body returns the same job.",
    access: "full",
    headers: [IDEMPOTENCY_KEY],
    body: { schema: RestoreRequestSchema, bytesMax: BODY_BYTES_MAX, isRequired: true },
    answers: [describeAccepted("restore", RestoreViewSchema)],
    errors: [
      "invalid-json",
      "invalid-request",
      "body-too-large",
      "source-not-found",
      "target-not-writable",
      "target-not-empty",
      "job-not-found",
      "export-not-finished",
      "export-expired",
      "export-not-downloadable",
      "dump-not-restorable",
      "dump-sealed",
      "artifact-missing",
      "member-not-found",
      "file-not-found",
      "file-not-complete",
      "script-not-found",
      "callback-url-refused",
      "export-already-running",
      "restore-already-running",
      "idempotency-key-reused",
    ],
    handler: async (call) => {
      const { context, settings, body } = call;
      const { env } = context;
      const prepared = await prepareRestore(settings, body, {
        env,
        idempotencyKey: readIdempotencyKey(context),
        origin: resolveStoredOrigin(call),
        nowMs: Date.now(),
      });
      const { view: stored, replayed } = prepared.isKnown
        ? { view: prepared.view, replayed: true }
        : unwrap(await getExportJobs(env).createRestore(prepared.restore));
      const view = makeRestoreLinksAbsolute(stored, resolveAnswerOrigin(call));
      return sendAccepted(context, view, replayed);
    },
  }),

  route({
    method: "GET",
    path: "/import/dump/:jobId",
    operationId: "getRestore",
    summary: "Get a restore",
    access: "read",
    params: { jobId: JOB_ID },
    answers: [{ status: 200, description: "The restore", content: RestoreViewSchema }],
    errors: ["job-not-found"],
    handler: async (call) => {
      const { context, params } = call;
      const view = unwrap(await getExportJobs(context.env).restoreView(params.jobId));
      return context.json(makeRestoreLinksAbsolute(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "GET",
    path: "/import/dump/:jobId/events",
    operationId: "followRestore",
    summary: "Follow a restore as server-sent events, to its end",
    description:
      "`progress` with the restore's view when it has changed, `end` with the last view, `deleted` if the restore " +
      "is removed; as for exports.",
    access: "read",
    params: { jobId: JOB_ID },
    headers: [LAST_EVENT_ID],
    answers: EVENT_ANSWERS,
    errors: ["job-not-found"],
    handler: (call) => {
      const { context, params } = call;
      const jobs = getExportJobs(context.env);
      const origin = resolveAnswerOrigin(call);
      return followJob(context, async (version) => {
        const found = unwrap(await jobs.restoreViewIfChanged(params.jobId, version));
        return { ...found, view: found.view && makeRestoreLinksAbsolute(found.view, origin) };
      });
    },
  }),

  route({
    method: "DELETE",
    path: "/import/dump/:jobId",
    operationId: "deleteRestore",
    summary: "Cancel a running restore, or delete an ended one",
    description:
      "Idempotent. A cancelled restore into an empty target leaves it empty; a replaced target keeps what was loaded, " +
      "or gets its former content back with `undoOnFailure`. With only=cancel an ended restore stays, and is returned.",
    access: "full",
    params: { jobId: JOB_ID },
    query: DeleteQuerySchema,
    answers: [
      {
        status: 200,
        description:
          "The restore, cancelled, or as it ended with only=cancel; its cleanup may still run",
        content: RestoreViewSchema,
      },
      { status: 204, description: "The restore is deleted" },
    ],
    errors: ["invalid-request", "job-not-found"],
    handler: async (call) => {
      const { context, params, query } = call;
      const mayDelete = query.only !== "cancel";
      const jobs = getExportJobs(context.env);
      const view = unwrap(await jobs.removeRestore(params.jobId, { mayDelete }));
      if (view === null) return context.body(null, 204);
      return context.json(makeRestoreLinksAbsolute(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "GET",
    path: "/import/jobs",
    operationId: "listRestores",
    summary: "List restores, newest first",
    access: "read",
    query: ListQuerySchema,
    answers: [{ status: 200, description: "One page", content: RestoreListSchema }],
    errors: ["invalid-request"],
    handler: async (call) => {
      const { context, query } = call;
      const { jobs, next } = await getExportJobs(context.env).listRestores({
        status: query.status,
        limit: query.limit,
        after: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      });
      const origin = resolveAnswerOrigin(call);
      const views = jobs.map((view) => makeRestoreLinksAbsolute(view, origin));
      return context.json({ jobs: views, cursor: next === null ? null : encodeCursor(next) });
    },
  }),
];
