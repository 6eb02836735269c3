import type { Context } from "hono";
import * as v from "valibot";

import { decodeUtf8 } from "../../lib/bytes.ts";
import { issueWords } from "../../lib/issue-words.ts";
import { ExportError } from "../../api/errors.ts";

/**
 * The request's body as JSON; `undefined` where there is none. Reads at most `bytesMax`. Errors:
 * `body-too-large`, `invalid-json`.
 */
export async function readJson(context: Context, bytesMax: number): Promise<unknown> {
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

/**
 * The query's parameters; those of `lists` may come several times. Errors: `invalid-request` if
 * another one does, whose `issues` name it.
 */
export function readQuery(
  context: Context,
  lists: ReadonlySet<string> = new Set(),
): Record<string, string | string[] | undefined> {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => {
      if (lists.has(name)) return [name, values];
      if (values.length === 1) return [name, values[0]];
      const issues = [{ path: name, message: "is given more than once" }];
      throw new ExportError("invalid-request", `the query: ${name}: is given more than once`, {
        details: { issues },
      });
    }),
  );
}

function tooLarge(bytesMax: number): ExportError {
  return new ExportError("body-too-large", `the body is longer than ${bytesMax} bytes`);
}

/** `value` as `schema` has it. Errors: `invalid-request`, whose `issues` name each field. */
export function validate<const TSchema extends v.GenericSchema>(
  schema: TSchema,
  value: unknown,
  what: string,
): v.InferOutput<TSchema> {
  // Valibot takes an array for an object without entries.
  if (Array.isArray(value)) {
    throw new ExportError("invalid-request", `${what}: expected an object, not an array`);
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  const issues = parsed.issues.map((issue) => ({
    path: v.getDotPath(issue) ?? "",
    message: issueWords(issue),
  }));
  const first = issues[0];
  throw new ExportError(
    "invalid-request",
    `${what}: ${first?.path === "" ? "" : `${first?.path}: `}${first?.message ?? ""}`,
    { details: { issues } },
  );
}
