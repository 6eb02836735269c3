import type { Context } from "hono";
import * as v from "valibot";

import { decodeUtf8 } from "../../lib/bytes.ts";
import { describeIssue } from "../../lib/describe-issue.ts";
import { ExportError } from "../../api/errors.ts";

/** The schema of a query: an object, whose entries describe the parameters. */
export type QuerySchema = v.GenericSchema & { readonly entries: v.ObjectEntries };

/**
 * Returns the query as `schema` parses it. Errors: `invalid-request`, also if a parameter is
 * repeated whose schema is not an array; `issues` name each parameter.
 */
export function parseQuery<const TSchema extends QuerySchema>(
  context: Context,
  schema: TSchema,
): v.InferOutput<TSchema> {
  const values = Object.entries(context.req.queries()).map(([name, values]) => {
    if (isList(schema.entries[name])) return [name, values];
    if (values.length === 1) return [name, values[0]];
    const issues = [{ path: name, message: "is given more than once" }];
    throw new ExportError("invalid-request", `the query: ${name}: is given more than once`, {
      details: { issues },
    });
  });
  return validate(schema, Object.fromEntries(values), "the query");
}

/** True for the schema of an array, optional or not. */
function isList(schema: object | undefined): boolean {
  if (schema === undefined) return false;
  if ("wrapped" in schema) return isList(schema.wrapped as object);
  return "type" in schema && schema.type === "array";
}

/**
 * Returns the body as `schema` parses it. A missing body that is not required is `{}`. Errors:
 * `body-too-large`, `invalid-json`; `invalid-request`, whose `issues` name each field.
 */
export async function parseBody<const TSchema extends v.GenericSchema>(
  context: Context,
  body: { schema: TSchema; bytesMax: number; isRequired: boolean },
): Promise<v.InferOutput<TSchema>> {
  const sent = await readJson(context, body.bytesMax);
  return validate(body.schema, sent ?? (body.isRequired ? undefined : {}), "the body");
}

/** Returns the body as JSON; undefined if there is none. Reads at most `bytesMax`. */
async function readJson(context: Context, bytesMax: number): Promise<unknown> {
  const declared = Number(context.req.header("content-length") ?? 0);
  if (declared > bytesMax) throw tooLarge(bytesMax);
  const { body } = context.req.raw;
  if (body === null) return undefined;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body as ReadableStream<Uint8Array>) {
    length += piece.byteLength;
    if (length > bytesMax) throw tooLarge(bytesMax);
    pieces.push(piece);
  }
  if (length === 0) return undefined;
  const bytes = new Uint8Array(await new Blob(pieces as BlobPart[]).arrayBuffer());
  try {
    return JSON.parse(decodeUtf8(bytes)) as unknown;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ExportError("invalid-json", `the body is not JSON: ${why}`, { cause });
  }
}

function tooLarge(bytesMax: number): ExportError {
  return new ExportError("body-too-large", `the body is longer than ${bytesMax} bytes`);
}

/** Returns `value` as `schema` parses it. Errors: `invalid-request`, whose `issues` name each field. */
export function validate<const TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  what: string,
): v.InferOutput<TSchema> {
  // Valibot treats an array as an object without entries.
  if (Array.isArray(value)) {
    throw new ExportError("invalid-request", `${what}: expected an object, not an array`);
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issues = parsed.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: describeIssue(issue),
  }));
  const first = issues[0];
  throw new ExportError(
    "invalid-request",
    `${what}: ${first?.path === "" ? "" : `${first?.path}: `}${first?.message ?? ""}`,
    { details: { issues } },
  );
}
