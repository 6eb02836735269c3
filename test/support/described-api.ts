import { type Schema, Validator } from "@cfworker/json-schema";

import { matchesRoute } from "../../src/routes/middleware/methods.ts";
import { describeApi } from "../../src/routes/openapi/openapi-document.ts";
import { ROUTES } from "../../src/routes/route-list.ts";

interface Operation {
  operationId: string;
  responses: Record<string, { content?: Record<string, { schema: object }> }>;
}

export interface ApiDocument {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

/**
 * Returns how a response contradicts the API's own description: a status or content type that the
 * call's operation does not list, or a body that does not match its schema. Empty if all is well.
 * `body` is the response's text.
 */
export function faultsOfAnswer(
  call: { method: string; path: string },
  answer: { status: number; contentType: string | null; body: string },
  document = describeApi(ROUTES, "https://export.example.com") as unknown as ApiDocument,
): string[] {
  const operation = operationOf(document, call);
  if (operation === undefined) return [`${call.method} ${call.path} is not described`];
  const what = `${operation.operationId} ${answer.status}`;
  const response = operation.responses[String(answer.status)];
  if (response === undefined) return [`${what}: the status is not described`];
  if (call.method === "HEAD" || response.content === undefined) {
    return answer.body === "" ? [] : [`${what}: a body where none is described`];
  }
  const type = (answer.contentType ?? "").split(";")[0] ?? "";
  const described = response.content[type] ?? response.content["*/*"];
  if (described === undefined) return [`${what}: content type ${type} is not described`];
  if (!type.includes("json")) return [];
  const schema = {
    ...described.schema,
    components: document.components,
  } as Schema;
  const { errors } = new Validator(schema, "2020-12", false).validate(JSON.parse(answer.body));
  return errors.map((error) => `${what}: ${error.instanceLocation} ${error.error}`);
}

function operationOf(
  document: ApiDocument,
  call: { method: string; path: string },
): Operation | undefined {
  const asked = new URL(call.path, "https://export.example.com").pathname;
  const found = Object.entries(document.paths)
    .filter(([path]) => matchesRoute(path.replaceAll(/\{(\w+)\}/g, ":$1"), asked))
    .map(
      ([, operations]) => operations[(call.method === "HEAD" ? "GET" : call.method).toLowerCase()],
    )
    .find((operation) => operation !== undefined);
  return found;
}
