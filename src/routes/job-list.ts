import * as v from "valibot";

import { ExportError } from "../api/errors.ts";
import { JobListSchema } from "../api/job-view.ts";
import { ListQuerySchema } from "../api/list-query.ts";
import { getExportJobs } from "../config/bindings.ts";
import { decodeUtf8, encodeUtf8, fromBase64, toBase64 } from "../lib/bytes.ts";
import type { JobPosition } from "../rpc/http-jobs.ts";
import { resolveAnswerOrigin, makeLinksAbsolute } from "./links.ts";
import { JobIdSchema } from "./parameters.ts";
import { route } from "./route.ts";

/** `GET /export/jobs`: a page of the jobs, newest first. */
export const jobListRoutes = [
  route({
    method: "GET",
    path: "/export/jobs",
    operationId: "listExports",
    summary: "List jobs, newest first",
    access: "read",
    query: ListQuerySchema,
    answers: [{ status: 200, description: "One page", content: JobListSchema }],
    errors: ["invalid-request"],
    handler: async (call) => {
      const { context, query } = call;
      const { jobs, next } = await getExportJobs(context.env).list({
        status: query.status,
        limit: query.limit,
        after: query.cursor === undefined ? undefined : decodeCursor(query.cursor),
      });
      const origin = resolveAnswerOrigin(call);
      const views = jobs.map((view) => makeLinksAbsolute(view, origin));
      return context.json({ jobs: views, cursor: next === null ? null : encodeCursor(next) });
    },
  }),
];

const CursorSchema = v.strictObject({ createdAtMs: v.number(), jobId: JobIdSchema });

/** Returns a position as the `cursor` of the next page. */
export function encodeCursor(cursor: JobPosition): string {
  return toBase64(encodeUtf8(JSON.stringify(cursor)))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** Returns the position that a `cursor` means. Errors: `invalid-request`. */
export function decodeCursor(text: string): JobPosition {
  try {
    const json = decodeUtf8(fromBase64(text.replaceAll("-", "+").replaceAll("_", "/")));
    return v.parse(CursorSchema, JSON.parse(json));
  } catch (cause) {
    throw new ExportError("invalid-request", "the query: cursor: did not come from this list", {
      cause,
    });
  }
}
