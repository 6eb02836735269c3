import { DeleteQuerySchema } from "../api/delete-query.ts";
import { ExportError } from "../api/errors.ts";
import { FleetRequestSchema } from "../api/fleet-request.ts";
import { FleetListSchema, type FleetView, FleetViewSchema } from "../api/fleet-view.ts";
import { QUERY_BODY_BYTES_MAX } from "../api/limits.ts";
import { ListQuerySchema } from "../api/list-query.ts";
import { getExportJobs } from "../config/bindings.ts";
import { prepareFleet } from "../intake/new-fleet.ts";
import { unwrap } from "../rpc/outcome.ts";
import { EVENT_ANSWERS, followJob, LAST_EVENT_ID } from "./events.ts";
import { decodeCursor, encodeCursor } from "./job-list.ts";
import { makeAbsolute, resolveAnswerOrigin, resolveStoredOrigin } from "./links.ts";
import { FLEET_ID } from "./parameters.ts";
import { route } from "./route.ts";
import {
  describeAccepted,
  IDEMPOTENCY_KEY,
  readIdempotencyKey,
  sendAccepted,
} from "./start-job.ts";

/** Returns the view with its links as URLs. */
function makeFleetLinksAbsolute(view: FleetView, origin: string): FleetView {
  const { self, members, download, manifest, events } = view.links;
  return {
    ...view,
    links: {
      self: makeAbsolute(self, origin),
      members: makeAbsolute(members, origin),
      download: makeAbsolute(download, origin),
      manifest: makeAbsolute(manifest, origin),
      events: makeAbsolute(events, origin),
    },
  };
}

/** `POST /export/fleet`, the view, events, cancel and delete of fleets, and `GET /export/fleets`. */
export const fleetRoutes = [
  route({
    method: "POST",
    path: "/export/fleet",
    operationId: "startFleet",
    summary: "Back up many objects of a class",
    description:
      "One fleet per source runs at a time. A repeat with the same Idempotency-Key and body returns the same fleet. " +
      "EXPORT_JOB_TOKEN may not send a registry in `names`, because a registry reads a database or an object.",
    access: "job",
    headers: [IDEMPOTENCY_KEY],
    body: { schema: FleetRequestSchema, bytesMax: QUERY_BODY_BYTES_MAX, isRequired: false },
    answers: [describeAccepted("fleet", FleetViewSchema)],
    errors: [
      "invalid-json",
      "invalid-request",
      "body-too-large",
      "source-not-found",
      "callback-url-refused",
      "export-already-running",
      "idempotency-key-reused",
      "inline-storage-full",
    ],
    handler: async (call) => {
      const { context, settings, body, access } = call;
      const { env } = context;
      if (access !== "full" && body.names !== undefined && !Array.isArray(body.names)) {
        throw new ExportError(
          "forbidden",
          "the bearer token starts fleets only of the names that the request or EXPORT_SOURCES lists",
        );
      }
      const fleet = await prepareFleet(settings, body, {
        env,
        idempotencyKey: readIdempotencyKey(context),
        origin: resolveStoredOrigin(call),
        nowMs: Date.now(),
      });
      const { view: stored, replayed } = unwrap(await getExportJobs(env).createFleet(fleet));
      const view = makeFleetLinksAbsolute(stored, resolveAnswerOrigin(call));
      return sendAccepted(context, view, replayed);
    },
  }),

  route({
    method: "GET",
    path: "/export/fleet/:fleetId",
    operationId: "getFleet",
    summary: "Get a fleet",
    access: "read",
    params: { fleetId: FLEET_ID },
    answers: [{ status: 200, description: "The fleet", content: FleetViewSchema }],
    errors: ["job-not-found"],
    handler: async (call) => {
      const { context, params } = call;
      const view = unwrap(await getExportJobs(context.env).fleetView(params.fleetId));
      return context.json(makeFleetLinksAbsolute(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "GET",
    path: "/export/fleet/:fleetId/events",
    operationId: "followFleet",
    summary: "Follow a fleet as server-sent events, to its end",
    description:
      "`progress` with the fleet's view when it has changed, `end` with the last view, `deleted` if the fleet " +
      "is removed; as for exports.",
    access: "read",
    params: { fleetId: FLEET_ID },
    headers: [LAST_EVENT_ID],
    answers: EVENT_ANSWERS,
    errors: ["job-not-found"],
    handler: (call) => {
      const { context, params } = call;
      const jobs = getExportJobs(context.env);
      const origin = resolveAnswerOrigin(call);
      return followJob(context, async (version) => {
        const found = unwrap(await jobs.fleetViewIfChanged(params.fleetId, version));
        return { ...found, view: found.view && makeFleetLinksAbsolute(found.view, origin) };
      });
    },
  }),

  route({
    method: "DELETE",
    path: "/export/fleet/:fleetId",
    operationId: "deleteFleet",
    summary: "Cancel a running fleet, or delete an ended one with its files",
    description:
      "Idempotent: a cancelled fleet stays, and an unknown one counts as deleted. The export jobs of its large members " +
      "end with it. EXPORT_JOB_TOKEN only cancels. With only=cancel an ended fleet stays too, and is returned.",
    access: "job",
    params: { fleetId: FLEET_ID },
    query: DeleteQuerySchema,
    answers: [
      {
        status: 200,
        description: "The fleet, cancelled, or as it ended with only=cancel",
        content: FleetViewSchema,
      },
      { status: 204, description: "The fleet and its files are deleted" },
    ],
    errors: ["invalid-request", "job-not-found", "file-in-use", "storage-unavailable"],
    handler: async (call) => {
      const { context, params, query, access } = call;
      const jobs = getExportJobs(context.env);
      const view =
        query.only === "cancel"
          ? await cancelFleet(jobs, params.fleetId)
          : unwrap(await jobs.removeFleet(params.fleetId, { mayDelete: access === "full" }));
      if (view === null) return context.body(null, 204);
      return context.json(makeFleetLinksAbsolute(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "GET",
    path: "/export/fleets",
    operationId: "listFleets",
    summary: "List fleets, newest first",
    access: "read",
    query: ListQuerySchema,
    answers: [{ status: 200, description: "One page", content: FleetListSchema }],
    errors: ["invalid-request"],
    handler: async (call) => {
      const { context, query } = call;
      const { fleets, next } = await getExportJobs(context.env).listFleets({
        status: query.status,
        limit: query.limit,
        after: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      });
      const origin = resolveAnswerOrigin(call);
      const views = fleets.map((view) => makeFleetLinksAbsolute(view, origin));
      return context.json({ fleets: views, cursor: next === null ? null : encodeCursor(next) });
    },
  }),
];

/** Returns the fleet, cancelled if it ran. Errors: `job-not-found`. */
async function cancelFleet(
  jobs: ReturnType<typeof getExportJobs>,
  fleetId: string,
): Promise<FleetView> {
  try {
    unwrap(await jobs.removeFleet(fleetId, { mayDelete: false }));
  } catch (error) {
    // It has ended.
    if (!(error instanceof ExportError && error.code === "forbidden")) throw error;
  }
  return unwrap(await jobs.fleetView(fleetId));
}
