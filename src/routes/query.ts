import { ExportError } from "../api/errors.ts";
import { QUERY_BODY_BYTES_MAX, QUERY_RESULT_BYTES_MAX } from "../api/limits.ts";
import { type QueryRequest, QueryRequestSchema, QueryResultSchema } from "../api/query-request.ts";
import { isMissingMethod } from "../databases/durable-object/durable-object-source.ts";
import { getDatabaseStub, type QueryStub } from "../databases/open-source.ts";
import { unwrap } from "../rpc/outcome.ts";
import { hasSeveralStatements } from "../sqlite/several-statements.ts";
import { route } from "./route.ts";

/** The object of the embedded database. */
const EMBEDDED = "sql-durable-object";

/** `POST /query`: the embedded database, or any bound class if `EXPORT_QUERY` is `any`. */
export const queryRoutes = [
  route({
    method: "POST",
    path: "/query",
    operationId: "query",
    summary: "Run statements in the embedded database",
    description:
      "A request is all or nothing, even with several statements in one `sql`, which returns the rows of the " +
      "last one. With EXPORT_QUERY `any`, the bound class may not roll back: then each `sql` must be one " +
      "statement, and `changed` of a failure is `unknown`.",
    access: "full",
    body: { schema: QueryRequestSchema, bytesMax: QUERY_BODY_BYTES_MAX, isRequired: true },
    answers: [{ status: 200, description: "The rows", content: QueryResultSchema }],
    errors: [
      "invalid-json",
      "invalid-request",
      "body-too-large",
      "query-failed",
      "query-result-too-large",
      "query-not-available",
      "source-unavailable",
    ],
    beforeBody: ({ context, settings }) => {
      if (settings.query === "off") {
        throw new ExportError("query-not-available", "EXPORT_QUERY is `off`");
      }
      if (context.env.DATABASE_DURABLE_OBJECT === undefined) {
        throw new ExportError("query-not-available", "binding DATABASE_DURABLE_OBJECT is missing");
      }
    },
    handler: async ({ context, settings, body }) => {
      const database = getDatabaseStub(context.env, "DATABASE_DURABLE_OBJECT", EMBEDDED);
      const isAny = settings.query === "any";
      return context.json({ result: await runQueries(database, body, isAny) });
    },
  }),
];

/**
 * Errors: those of the database's class; `query-not-available` if it is not the embedded one,
 * unless `isAny`.
 */
async function runQueries(
  database: QueryStub,
  request: QueryRequest,
  isAny: boolean,
): Promise<unknown> {
  const queries = "transaction" in request ? request.transaction : [request];
  try {
    const outcome = isAny
      ? await database.queryAllOrNothing(queries, QUERY_RESULT_BYTES_MAX)
      : await database.queryEmbedded(queries, QUERY_RESULT_BYTES_MAX);
    const results = unwrap(outcome);
    return "transaction" in request ? results : (results[0] ?? []);
  } catch (cause) {
    if (cause instanceof ExportError) throw cause;
    if (!isMissingMethod(cause)) throw unavailable(cause);
    if (isAny) return runWithoutRollback(database, request);
    throw new ExportError(
      "query-not-available",
      "DATABASE_DURABLE_OBJECT is not the embedded database",
      { cause },
    );
  }
}

/**
 * Runs a request on a class that has only a source's two methods, such as StarbaseDB's. After an error, it does not
 * undo earlier statements. Errors: `query-failed`; `invalid-request` for several statements in one text, because
 * nobody would know which of them ran.
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
      `${message}; this database does not roll back, so the statements before the error stay in effect`,
      { cause, details: { changed: "unknown" } },
    );
  }
}

/** The object broke or was reset, so its answer is lost. */
function unavailable(cause: unknown): ExportError {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new ExportError(
    "source-unavailable",
    `${message}; it is unknown whether the statements ran`,
    { cause, details: { changed: "unknown" } },
  );
}
