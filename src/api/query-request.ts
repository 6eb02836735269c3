import * as v from "valibot";

const Param = v.union([v.string(), v.number(), v.boolean(), v.null()]);
const Query = v.strictObject({
  sql: v.pipe(v.string(), v.minLength(1)),
  params: v.optional(v.pipe(v.array(Param), v.maxLength(100))),
});

/** One SQL text with the values of its parameters. */
export type QueryInput = v.InferInput<typeof Query>;

/** A row of an answer, by column. JSON cannot carry a BLOB: select `hex(…)` instead. */
export type QueryRow = Record<string, string | number | null>;

/** Body of `POST /query`: one SQL text, or several in one transaction. */
export const QueryRequestSchema = v.union(
  [
    Query,
    v.strictObject({ transaction: v.pipe(v.array(Query), v.minLength(1), v.maxLength(1_000)) }),
  ],
  "expected `sql` with a list of `params`, or `transaction` with a list of such objects",
);

export type QueryRequest = v.InferOutput<typeof QueryRequestSchema>;

/** The answer: the rows as objects, or for a transaction one such list per statement. */
export const QueryResultSchema = v.strictObject({
  result: v.array(v.unknown()),
});
