import { DeleteQuerySchema } from "../api/delete-query.ts";
import { ExportError } from "../api/errors.ts";
import { ExportRequestSchema } from "../api/export-request.ts";
import { type JobView, JobViewSchema } from "../api/job-view.ts";
import { BODY_BYTES_MAX } from "../api/limits.ts";
import { getExportJobs } from "../config/bindings.ts";
import { prepareJob } from "../intake/new-job.ts";
import { unwrap } from "../rpc/outcome.ts";
import { resolveAnswerOrigin, resolveStoredOrigin, makeLinksAbsolute } from "./links.ts";
import { JOB_ID } from "./parameters.ts";
import { route } from "./route.ts";
import {
  describeAccepted,
  IDEMPOTENCY_KEY,
  readIdempotencyKey,
  sendAccepted,
} from "./start-job.ts";

/** `POST /export/dump`, the job view, cancel and delete. */
export const jobRoutes = [
  route({
    method: "POST",
    path: "/export/dump",
    operationId: "startExport",
    summary: "Start an export job",
    description:
      "One job per database runs at a time. A repeat with the same Idempotency-Key and body returns the same job.",
    access: "job",
    headers: [IDEMPOTENCY_KEY],
    body: { schema: ExportRequestSchema, bytesMax: BODY_BYTES_MAX, isRequired: false },
    answers: [describeAccepted("job", JobViewSchema)],
    errors: [
      "invalid-json",
      "invalid-request",
      "body-too-large",
      "source-not-found",
      "destination-not-found",
      "callback-url-refused",
      "export-already-running",
      "restore-already-running",
      "idempotency-key-reused",
      "inline-storage-full",
    ],
    handler: async (call) => {
      const { context, settings, body } = call;
      const { env } = context;
      const origin = resolveStoredOrigin(call);
      const job = await prepareJob(settings, body, {
        env,
        idempotencyKey: readIdempotencyKey(context),
        origin,
        nowMs: Date.now(),
      });
      const { view: stored, replayed } = unwrap(await getExportJobs(env).create(job));
      const view = makeLinksAbsolute(stored, resolveAnswerOrigin(call));
      return sendAccepted(context, view, replayed);
    },
  }),

  route({
    method: "GET",
    path: "/export/dump/:jobId",
    operationId: "getExport",
    summary: "Get a job",
    access: "read",
    params: { jobId: JOB_ID },
    answers: [{ status: 200, description: "The job", content: JobViewSchema }],
    errors: ["job-not-found"],
    handler: async (call) => {
      const { context, params } = call;
      const view = unwrap(await getExportJobs(context.env).view(params.jobId));
      return context.json(makeLinksAbsolute(view, resolveAnswerOrigin(call)));
    },
  }),

  route({
    method: "DELETE",
    path: "/export/dump/:jobId",
    operationId: "deleteExport",
    summary: "Cancel a running job, delete an ended one with its files, or end a stream",
    description:
      "Idempotent: a cancelled job stays, and an unknown one counts as deleted. EXPORT_JOB_TOKEN only cancels: " +
      "it is refused for an ended job and for a stream. With only=cancel an ended job stays too, and is returned.",
    access: "job",
    params: { jobId: JOB_ID },
    query: DeleteQuerySchema,
    answers: [
      {
        status: 200,
        description: "The job, cancelled, or as it ended with only=cancel",
        content: JobViewSchema,
      },
      { status: 204, description: "The job and its files are deleted, or the stream has ended" },
    ],
    errors: ["invalid-request", "job-not-found", "file-in-use", "storage-unavailable"],
    handler: async (call) => {
      const { context, params, query, access } = call;
      const jobs = getExportJobs(context.env);
      const view =
        query.only === "cancel"
          ? await cancelJob(jobs, params.jobId)
          : unwrap(await jobs.remove(params.jobId, { mayDelete: access === "full" }));
      if (view === null) return context.body(null, 204);
      return context.json(makeLinksAbsolute(view, resolveAnswerOrigin(call)));
    },
  }),
];

/** Returns the job, cancelled if it ran. Errors: `job-not-found`, also for a stream. */
async function cancelJob(jobs: ReturnType<typeof getExportJobs>, jobId: string): Promise<JobView> {
  try {
    unwrap(await jobs.remove(jobId, { mayDelete: false }));
  } catch (error) {
    // It has ended.
    if (!(error instanceof ExportError && error.code === "forbidden")) throw error;
  }
  return unwrap(await jobs.view(jobId));
}
