import * as v from "valibot";

import { ExportError } from "../api/errors.ts";
import type { PathParameter } from "./route.ts";

/** A job's id, in any case of its letters. */
export const JobIdSchema = v.pipe(v.string(), v.uuid());

/** A job's id in a path. Errors: `job-not-found` for a text that cannot be an id. */
export const JOB_ID: PathParameter = {
  schema: JobIdSchema,
  parse: (text) => {
    const parsed = v.safeParse(JobIdSchema, text);
    if (parsed.success) return parsed.output.toLowerCase();
    throw new ExportError("job-not-found", `there is no job ${JSON.stringify(text.slice(0, 100))}`);
  },
};
