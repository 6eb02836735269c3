import * as v from "valibot";

import { VerifySchema } from "./proof.ts";
import { SourceTypeSchema } from "./source-config.ts";
import { TOKEN_ACCESSES } from "./token-access.ts";

const Consistency = v.picklist(["snapshot", "live"]);

/** The answer of `GET /export/sources`. */
export const SourceListSchema = v.strictObject({
  version: v.string(),
  /** What the token of this call allows. */
  access: v.picklist(TOKEN_ACCESSES),
  /** Where artifacts are kept: in a bucket, or in the jobs database if none is bound. */
  storage: v.picklist(["r2", "inline"]),
  /** The size of that database; null if a bucket is bound. */
  inline: v.nullable(v.strictObject({ bytesUsed: v.number(), bytesMax: v.number() })),
  proof: v.strictObject({
    /** Why no dump can be proved by a restore, for the person who deploys; null if dumps can. */
    problem: v.nullable(v.string()),
    /** How many rows, index entries included, the proof of one job may write. */
    rowsMax: v.number(),
  }),
  /** The keys with which exports are sealed and signed. */
  keys: v.strictObject({
    /** For how many public keys of age copies are sealed; 0 if they are not. */
    recipients: v.number(),
    /** True if manifests are signed. */
    signs: v.boolean(),
    /** Why no manifest can be signed, for the person who deploys: then no export starts. */
    problem: v.nullable(v.string()),
  }),
  sources: v.array(
    v.strictObject({
      name: v.string(),
      type: SourceTypeSchema,
      /** Which objects of the class a request may name: none, those listed, or any. */
      objects: v.picklist(["one", "listed", "any"]),
      /** True if restores may write to it. */
      writable: v.boolean(),
      /** What is wrong with its binding, for the person who deploys; null if it can be exported. */
      problem: v.nullable(v.string()),
      consistency: v.strictObject({ default: Consistency, available: v.array(Consistency) }),
      verify: v.strictObject({ default: VerifySchema, available: v.array(VerifySchema) }),
      limits: v.strictObject({
        statementBytesMax: v.number(),
        rowBytesMax: v.number(),
        databaseBytesMax: v.number(),
        querySecondsMax: v.nullable(v.number()),
      }),
    }),
  ),
});

export type SourceList = v.InferOutput<typeof SourceListSchema>;
