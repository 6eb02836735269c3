import * as v from "valibot";

/** The answer of `POST /export/destinations/probe`: one entry for each destination. */
export const DestinationProbesSchema = v.strictObject({
  destinations: v.array(
    v.strictObject({
      name: v.string(),
      type: v.string(),
      /** True if copies are deleted with their jobs. */
      prune: v.boolean(),
      /** What is wrong, for the person who deploys; null if an object could be written, read and removed. */
      problem: v.nullable(v.string()),
    }),
  ),
});
