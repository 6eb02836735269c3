import * as v from "valibot";

/** The query of `DELETE /export/dump/:jobId`, `DELETE /export/fleet/:fleetId` and `DELETE /import/dump/:jobId`. */
export const DeleteQuerySchema = v.strictObject({
  /** `cancel`: an ended job stays unchanged, so a job that ends just before the call is not deleted by mistake. */
  only: v.optional(v.literal("cancel")),
});
