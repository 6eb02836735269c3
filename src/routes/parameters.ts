import * as v from "valibot";

import type { ErrorCode } from "../api/error-codes.ts";
import { ExportError } from "../api/errors.ts";
import { PARTS_MAX } from "../api/limits.ts";
import type { PathParameter } from "./route.ts";

/** A job's id, with letters of either case. */
export const JobIdSchema = v.pipe(v.string(), v.uuid());

/** A job's id in a path. Errors: `job-not-found` for a text that cannot be one. */
export const JOB_ID = makeIdParameter("job", "job-not-found");

/** A fleet's id in a path. Errors: `job-not-found` for a text that cannot be one. */
export const FLEET_ID = makeIdParameter("fleet", "job-not-found");

/** The id of an uploaded file in a path. Errors: `file-not-found` for a text that cannot be one. */
export const FILE_ID = makeIdParameter("file", "file-not-found");

/** The number of a part in a path, from 1. Errors: `part-invalid` for a text that cannot be one. */
export const PART_NUMBER: PathParameter = {
  schema: v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(PARTS_MAX)),
  parse: (text) => {
    if (/^[1-9]\d{0,4}$/.test(text) && Number(text) <= PARTS_MAX) return text;
    throw new ExportError(
      "part-invalid",
      `there is no part ${quote(text)}: parts are numbered from 1 to ${PARTS_MAX}`,
    );
  },
};

function makeIdParameter(what: string, code: ErrorCode): PathParameter {
  return {
    schema: JobIdSchema,
    parse: (text) => {
      const parsed = v.safeParse(JobIdSchema, text);
      if (parsed.success) return parsed.output.toLowerCase();
      throw new ExportError(code, `there is no ${what} ${quote(text)}`);
    },
  };
}

function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100));
}
