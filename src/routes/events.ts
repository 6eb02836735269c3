import type { Context } from "hono";

import { ExportError } from "../api/errors.ts";
import { isActive, type JobState } from "../api/job-state.ts";
import { getExportJobs } from "../config/bindings.ts";
import { encodeUtf8 } from "../lib/bytes.ts";
import { unwrap } from "../rpc/outcome.ts";
import type { AppEnv } from "./app-env.ts";
import { resolveAnswerOrigin, makeLinksAbsolute } from "./links.ts";
import { JOB_ID } from "./parameters.ts";
import { route } from "./route.ts";

/**
 * How often the job is checked: twice a second while it changes, and less often while it does not.
 */
const LOOK_MS_MIN = 500;
const LOOK_MS_MAX = 2_000;

/** After this silence a comment is sent, so that no proxy closes the connection as idle. */
const HEARTBEAT_MS = 15_000;

/** The longest stream. An EventSource then reconnects automatically, with `Last-Event-ID`. */
const STREAM_MS_MAX = 15 * 60_000;

/**
 * How many checks may fail in a row before the stream breaks: the object restarts when the Worker
 * is deployed.
 */
const FAILED_LOOKS_MAX = 5;

/** One poll of an export or a restore that a client follows. */
interface Look {
  version: string;
  status: JobState;
  /** Null if nothing has changed since the known version. */
  view: { status: JobState } | null;
}

type LookAgain = (version: string) => Promise<Look>;

/** The header from which a stream resumes. */
export const LAST_EVENT_ID = {
  name: "Last-Event-ID",
  description: "The id of the last received event.",
};

/** Describes the answers of `followJob`. */
export const EVENT_ANSWERS = [
  { status: 200, description: "The events", content: "events" },
  {
    status: 204,
    description: "Last-Event-ID is the id of the `end` event: there are no more events",
  },
] as const;

/** `GET /export/dump/:jobId/events`: a job's progress as server-sent events, to its end. */
export const eventRoutes = [
  route({
    method: "GET",
    path: "/export/dump/:jobId/events",
    operationId: "followExport",
    summary: "Follow a job as server-sent events, to its end",
    description:
      "`progress` with the job view when it has changed, at most twice a second. `end` with the last view. " +
      "`deleted` if the job is removed. Comments keep a silent connection alive. A stream ends after at " +
      "most 15 minutes, and resumes from Last-Event-ID.",
    access: "read",
    params: { jobId: JOB_ID },
    headers: [LAST_EVENT_ID],
    answers: EVENT_ANSWERS,
    errors: ["job-not-found"],
    handler: async (call) => {
      const { context, params } = call;
      const jobs = getExportJobs(context.env);
      const origin = resolveAnswerOrigin(call);
      return followJob(context, async (version) => {
        const found = unwrap(await jobs.viewIfChanged(params.jobId, version));
        return { ...found, view: found.view && makeLinksAbsolute(found.view, origin) };
      });
    },
  }),
];

/** Answers with the events that `look` finds, starting after the event that the client already has. */
export async function followJob(context: Context<AppEnv>, look: LookAgain): Promise<Response> {
  const first = await look(context.req.header(LAST_EVENT_ID.name) ?? "");
  // This answer stops the requests of an EventSource that already knows the end.
  if (first.view === null && !isActive(first.status)) return context.body(null, 204);
  return new Response(streamPieces(listEvents(first, look)), {
    headers: {
      "content-type": "text/event-stream",
      "cache-control": "no-store, no-transform",
    },
  });
}

/**
 * Yields the events of a job, and checks it first: `progress` with a view each time it has changed, `end` with the
 * last view, `deleted` if the job is gone.
 */
async function* listEvents(
  first: Look,
  lookAgain: LookAgain,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  yield encodeUtf8(`retry: ${LOOK_MS_MAX}\n\n`);
  const endsAtMs = Date.now() + STREAM_MS_MAX;
  let { version, view } = first;
  let waitMs = LOOK_MS_MIN;
  let silentSinceMs = Date.now();
  let failedLooks = 0;
  while (Date.now() < endsAtMs) {
    if (view !== null) {
      const ended = !isActive(view.status);
      yield formatEvent(ended ? "end" : "progress", version, view);
      if (ended) return;
      silentSinceMs = Date.now();
    } else if (Date.now() - silentSinceMs >= HEARTBEAT_MS) {
      yield encodeUtf8(": nothing new\n\n");
      silentSinceMs = Date.now();
    }
    await scheduler.wait(waitMs);
    try {
      const look = await lookAgain(version);
      ({ version, view } = look);
      failedLooks = 0;
      waitMs = view === null ? Math.min(waitMs * 1.5, LOOK_MS_MAX) : LOOK_MS_MIN;
    } catch (error) {
      if (error instanceof ExportError && error.code === "job-not-found") {
        yield formatEvent("deleted", version, null);
        return;
      }
      failedLooks += 1;
      if (failedLooks > FAILED_LOOKS_MAX) throw error;
      view = null;
      waitMs = LOOK_MS_MAX;
    }
  }
}

/** JSON has no raw line break, so the data is one line. */
function formatEvent(
  event: "progress" | "end" | "deleted",
  id: string,
  data: unknown,
): Uint8Array<ArrayBuffer> {
  return encodeUtf8(`event: ${event}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`);
}

/**
 * Streams the pieces of a generator, which are produced one by one. It ends when the client leaves.
 */
function streamPieces(
  pieces: AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream<Uint8Array<ArrayBuffer>>(
    {
      pull: async (controller) => {
        const next = await pieces.next();
        if (next.done === true) controller.close();
        else controller.enqueue(next.value);
      },
      cancel: async () => {
        await pieces.return();
      },
    },
    { highWaterMark: 0 },
  );
}
