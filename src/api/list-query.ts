import * as v from "valibot";

import { JOB_STATES } from "./job-state.ts";

/** The query of `GET /export/jobs`. */
export const ListQuerySchema = v.strictObject({
  status: v.optional(v.picklist(JOB_STATES)),
  limit: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^[0-9]{1,3}$/, "expected a whole number from 1 to 100"),
      v.transform(Number),
      v.minValue(1),
      v.maxValue(100),
    ),
    "20",
  ),
  /** The `cursor` of the previous page. */
  cursor: v.optional(v.pipe(v.string(), v.maxLength(200))),
});
