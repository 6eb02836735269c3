import { Hono } from "hono";
import * as v from "valibot";

import { ExportError } from "../model/error.ts";
import { QUERY_BODY_BYTES_MAX } from "../model/limits.ts";
import { databaseStub } from "../source/open-source.ts";
import type { AppEnv } from "./app-env.ts";
import { readJson, validate } from "./body.ts";

const Param = v.union([v.string(), v.number(), v.boolean(), v.null()]);
const Query = v.strictObject({
  sql: v.pipe(v.string(), v.minLength(1)),
  params: v.optional(v.pipe(v.array(Param), v.maxLength(100))),
});

/** One statement, or several as all or nothing. */
const QueryRequestSchema = v.union(
  [
    Query,
    v.strictObject({ transaction: v.pipe(v.array(Query), v.minLength(1), v.maxLength(1_000)) }),
  ],
  "expected `sql` with a list of `params`, or `transaction` with a list of such objects",
);

/** The object of the embedded database. */
const EMBEDDED = "sql-durable-object";

/** `POST /query`: the embedded database, where it is bound. */
export const queryRoutes = new Hono<AppEnv>().post("/query", async (context) => {
  if (context.env.DATABASE_DURABLE_OBJECT === undefined) {
    throw new ExportError("query-not-available", "binding DATABASE_DURABLE_OBJECT is missing");
  }
  const body = await readJson(context, QUERY_BODY_BYTES_MAX);
  const request = validate(QueryRequestSchema, body, "the body");
  const database = databaseStub(context.env, "DATABASE_DURABLE_OBJECT", EMBEDDED);
  try {
    const result =
      "transaction" in request
        ? await database.executeTransaction(request.transaction, false)
        : await database.executeQuery(request);
    return context.json({ result: result as object });
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ExportError("query-failed", message, { cause });
  }
});
