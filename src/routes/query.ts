import { Hono } from "hono";

import { ExportError } from "../model/error.ts";
import { QUERY_BODY_BYTES_MAX } from "../model/limits.ts";
import { QueryRequestSchema } from "../model/query-request.ts";
import { databaseStub } from "../source/open-source.ts";
import type { AppEnv } from "./app-env.ts";
import { readJson, validate } from "./body.ts";

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
