import * as v from "valibot";

const Consistency = v.picklist(["snapshot", "live"]);

/** The answer of `GET /export/sources`. */
export const SourceListSchema = v.strictObject({
  version: v.string(),
  /** Where artifacts are kept; `none` where no bucket is bound, and then nothing can be exported. */
  storage: v.picklist(["r2", "none"]),
  sources: v.array(
    v.strictObject({
      name: v.string(),
      type: v.picklist(["durable-object", "d1"]),
      /** Whether a request may name an object of the class: none, those listed, or any. */
      objects: v.picklist(["one", "listed", "any"]),
      /** What is wrong with its binding, for whoever deploys; null where it can be exported. */
      problem: v.nullable(v.string()),
      consistency: v.strictObject({ default: Consistency, available: v.array(Consistency) }),
      limits: v.strictObject({
        statementBytesMax: v.number(),
        rowBytesMax: v.number(),
        databaseBytesMax: v.number(),
        querySecondsMax: v.nullable(v.number()),
      }),
    }),
  ),
});
