import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import * as v from "valibot";

import { ERRORS, type ErrorCode } from "../../api/error-codes.ts";
import { VERSION } from "../../api/version.ts";
import { TOKEN_ACCESSES, type TokenAccess } from "../../api/token-access.ts";
import type { Answer, Route } from "../route.ts";
import { ANSWER_COMPONENTS, findComponent, REQUEST_COMPONENTS } from "./components.ts";

type Json = { [member: string]: unknown };

/** Errors that every route may return. */
const COMMON_ERRORS: readonly ErrorCode[] = ["headers-too-large", "internal-error"];

/** Errors that every route with a token may return. */
const TOKEN_ERRORS: readonly ErrorCode[] = ["unauthorized", "forbidden", "configuration-invalid"];

/** Errors that every route with counted calls may return. */
const COUNTED_ERRORS: readonly ErrorCode[] = ["too-many-requests"];

/**
 * Returns the description (OpenAPI 3.1) of `routes` as they are served at `origin`, built from the
 * schemas that check requests.
 */
export function describeApi(routes: readonly Route[], origin: string): Json {
  return {
    openapi: "3.1.1",
    info: {
      title: "Durable Export",
      version: VERSION,
      summary: "Exact exports of Cloudflare's SQLite databases",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: origin }],
    security: [{ token: [] }],
    paths: describePaths(routes),
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "ADMIN_AUTHORIZATION_TOKEN allows every call. EXPORT_READ_TOKEN allows calls that only read. " +
            "EXPORT_JOB_TOKEN also starts and cancels exports. x-tokens lists the tokens of each call.",
        },
      },
      schemas: {
        ...describeSchemas(REQUEST_COMPONENTS, "input"),
        ...describeSchemas(ANSWER_COMPONENTS, "output"),
      },
    },
  };
}

function describePaths(routes: readonly Route[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: describeOperation(route) };
  }
  return paths;
}

function describeOperation(route: Route): Json {
  const { operationId, summary, description, access, body } = route;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(access === "open" ? { security: [] } : { "x-tokens": listTokens(access) }),
    parameters: describeParameters(route),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.isRequired,
            content:
              body.isBytes === true
                ? { "application/octet-stream": { schema: {} } }
                : { "application/json": { schema: describeContent(body.schema, "input") } },
          },
        }),
    responses: describeResponses(route),
  };
}

const SECRETS: Record<TokenAccess, string> = {
  read: "EXPORT_READ_TOKEN",
  job: "EXPORT_JOB_TOKEN",
  full: "ADMIN_AUTHORIZATION_TOKEN",
};

/** Returns the secrets whose tokens allow a call. */
function listTokens(access: TokenAccess): string[] {
  return TOKEN_ACCESSES.slice(TOKEN_ACCESSES.indexOf(access)).map((each) => SECRETS[each]);
}

function describeParameters({ path, params, query, headers = [] }: Route): Json[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: describeSchema(params?.[name]?.schema ?? v.string(), "input"),
  }));
  const entries = query === undefined ? [] : Object.entries(query.entries);
  const inQuery = entries.map(([name, schema]) => ({
    name,
    in: "query",
    schema: describeSchema(schema as v.GenericSchema, "input"),
  }));
  const inHeader = headers.map(({ name, description }) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function describeResponses({ access, isCounted, answers, errors }: Route): Json {
  const responses: Json = {};
  for (const answer of answers) responses[answer.status] = describeResponse(answer);
  const codes = [
    ...errors,
    ...(access === "open" ? [] : TOKEN_ERRORS),
    ...(isCounted ? COUNTED_ERRORS : []),
    ...COMMON_ERRORS,
  ];
  for (const status of new Set(codes.map((code) => ERRORS[code].status))) {
    responses[status] = describeProblem(codes.filter((code) => ERRORS[code].status === status));
  }
  return responses;
}

function describeResponse({ description, content, headers = [] }: Answer): Json {
  const described = headers.map(({ name, description }) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    description,
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(described) as Json }),
    ...(content === undefined ? {} : { content: describeAnswer(content) }),
  };
}

function describeAnswer(content: NonNullable<Answer["content"]>): Json {
  if (content === "bytes") return { "*/*": { schema: {} } };
  if (content === "events") return { "text/event-stream": { schema: { type: "string" } } };
  return { "application/json": { schema: describeContent(content, "output") } };
}

/** Returns a reference to a component, or the schema itself if it is not a component. */
function describeContent(schema: v.GenericSchema, typeMode: "input" | "output"): Json {
  const name = findComponent(schema);
  return name === undefined ? describeSchema(schema, typeMode) : reference(name);
}

function describeProblem(codes: ErrorCode[]): Json {
  return {
    description: codes.map((code) => `\`${code}\``).join(", "),
    content: {
      "application/problem+json": {
        schema: {
          allOf: [reference("Problem"), { type: "object", properties: { code: { enum: codes } } }],
        },
      },
    },
  };
}

function reference(name: string): Json {
  return { $ref: `#/components/schemas/${name}` };
}

/** Returns the schemas as JSON Schemas that refer to one another. */
function describeSchemas(
  schemas: Record<string, v.GenericSchema>,
  typeMode: "input" | "output",
): Json {
  return toJsonSchemaDefs(schemas, {
    target: "draft-2020-12",
    typeMode,
    errorMode: "ignore",
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
}

function describeSchema(schema: v.GenericSchema, typeMode: "input" | "output"): Json {
  const { $schema: _, ...described } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode,
    errorMode: "ignore",
  });
  return described;
}
