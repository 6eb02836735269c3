import { Hono } from "hono";

import { hasSeveralStatements } from "../sqlite/several-statements.ts";
import { unwrap } from "../rpc/outcome.ts";
import { ExportError } from "../api/errors.ts";
import { QUERY_BODY_BYTES_MAX, QUERY_RESULT_BYTES_MAX } from "../api/limits.ts";
import { type QueryRequest, QueryRequestSchema } from "../api/query-request.ts";
import { isMissingMethod } from "../databases/durable-object/durable-object-source.ts";
import { databaseStub, type QueryStub } from "../databases/open-source.ts";
import type { AppEnv } from "./app-env.ts";
import { readJson, validate } from "./body.ts";

/** The object of the embedded database. */
const EMBEDDED = "sql-durable-object";

/** `POST /query`: the embedded database, or with `EXPORT_QUERY` `any` whatever class is bound. */
export const queryRoutes = new Hono<AppEnv>().post("/query", async (context) => {
  const access = context.get("config").query;
  if (access === "off") throw new ExportError("query-not-available", "EXPORT_QUERY is `off`");
  if (context.env.DATABASE_DURABLE_OBJECT === undefined) {
    throw new ExportError("query-not-available", "binding DATABASE_DURABLE_OBJECT is missing");
  }
  const body = await readJson(context, QUERY_BODY_BYTES_MAX);
  const request = validate(QueryRequestSchema, body, "the body");
  const database = databaseStub(context.env, "DATABASE_DURABLE_OBJECT", EMBEDDED);
  const queries = "transaction" in request ? request.transaction : [request];
  try {
    const outcome =
      access === "any"
        ? await database.queryAllOrNothing(queries, QUERY_RESULT_BYTES_MAX)
        : await database.queryEmbedded(queries, QUERY_RESULT_BYTES_MAX);
    const results = unwrap(outcome);
    return context.json({ result: "transaction" in request ? results : (results[0] ?? []) });
  } catch (cause) {
    if (cause instanceof ExportError) throw cause;
    if (!isMissingMethod(cause)) throw unavailable(cause);
    if (access === "any")
      return context.json({ result: await runWithoutRollback(database, request) });
    throw new ExportError(
      "query-not-available",
      "DATABASE_DURABLE_OBJECT is not the embedded database",
      { cause },
    );
  }
});

/**
 * Runs a request on a class that has a source's two methods only, such as StarbaseDB's: it does not
 * undo what came before an error. Errors: `query-failed`, `invalid-request` for several statements in
 * one text, since nobody could say which of them ran.
 */
async function runWithoutRollback(database: QueryStub, request: QueryRequest): Promise<object> {
  const queries = "transaction" in request ? request.transaction : [request];
  if (queries.some(({ sql }) => hasSeveralStatements(sql))) {
    const message = "expected one statement: this database does not roll back several";
    throw new ExportError("invalid-request", `the body: sql: ${message}`, {
      details: { issues: [{ path: "sql", message }] },
    });
  }
  try {
    const result =
      "transaction" in request
        ? await database.executeTransaction(request.transaction, false)
        : await database.executeQuery(request);
    return result as object;
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new ExportError(
      "query-failed",
      `${message}; this database does not roll back, so that what ran before the error stays`,
      { cause, details: { changed: "unknown" } },
    );
  }
}

/** The object broke or was reset, so that its answer is lost. */
function unavailable(cause: unknown): ExportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ExportError(
    "source-unavailable",
    `${message}; whether the statements ran is not known`,
    { cause, details: { changed: "unknown" } },
  );
}
