import * as v from "valibot";

/** The answer of `GET /export/sources`. */
export const SourceListSchema = v.strictObject({
  version: v.string(),
  /** Where artifacts are kept. */
  storage: v.picklist(["r2", "inline"]),
  sources: v.array(v.looseObject({ name: v.string(), type: v.string() })),
});
