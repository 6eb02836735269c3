import * as v from "valibot";

/** The answer of `GET /health`. */
export const HealthSchema = v.strictObject({ status: v.literal("ok") });
