import * as v from "valibot";

import { ERRORS, type ErrorCode } from "./error-codes.ts";

/** The body of every error (RFC 9457). Some codes have more members, for instance `jobId` or `issues`. */
export const ProblemSchema = v.looseObject({
  type: v.literal("about:blank"),
  title: v.string(),
  status: v.pipe(v.number(), v.integer(), v.minValue(400), v.maxValue(599)),
  code: v.picklist(Object.keys(ERRORS) as ErrorCode[]),
  detail: v.string(),
  hint: v.string(),
});
