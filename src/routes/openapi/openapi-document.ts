import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import * as v from "valibot";

import { ERRORS, type ErrorCode } from "../../api/errors.ts";
import { ExportRequestSchema } from "../../api/export-request.ts";
import { JobListSchema, JobViewSchema } from "../../api/job-view.ts";
import { ListQuerySchema } from "../../api/list-query.ts";
import { ManifestSchema } from "../../api/manifest.ts";
import { ProblemSchema } from "../../api/problem.ts";
import { QueryRequestSchema, QueryResultSchema } from "../../api/query-request.ts";
import { SourceListSchema } from "../../api/source-list.ts";
import { DumpStreamQuerySchema, TableStreamQuerySchema } from "../../api/stream-query.ts";
import { VERSION } from "../../api/version.ts";
import { TOKEN_ACCESSES, type TokenAccess } from "../../config/access-tokens.ts";
import {
  type Answer,
  CHANGE_ERRORS,
  COMMON_ERRORS,
  type RouteEntry,
  ROUTES,
  TOKEN_ERRORS,
} from "./route-table.ts";

type Json = { [member: string]: unknown };

/** Bodies of requests are described as they are sent, answers as they are given. */
const REQUEST_SCHEMAS = { ExportRequest: ExportRequestSchema, QueryRequest: QueryRequestSchema };
const QUERY_SCHEMAS = {
  ListQuery: ListQuerySchema,
  DumpStreamQuery: DumpStreamQuerySchema,
  TableStreamQuery: TableStreamQuerySchema,
};
const ANSWER_SCHEMAS = {
  JobView: JobViewSchema,
  JobList: JobListSchema,
  Manifest: ManifestSchema,
  SourceList: SourceListSchema,
  QueryResult: QueryResultSchema,
  Problem: ProblemSchema,
  Health: v.strictObject({ status: v.literal("ok") }),
  OpenApi: v.looseObject({ openapi: v.string() }),
};

/** The API's description (OpenAPI 3.1), made of the schemas that check requests and of the route table. */
export function openApiDocument(origin: string): Json {
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
    paths: pathsOf(ROUTES),
    components: {
      securitySchemes: {
        token: {
          type: "http",
          scheme: "bearer",
          description:
            "ADMIN_AUTHORIZATION_TOKEN opens every call, EXPORT_READ_TOKEN those that only tell, and " +
            "EXPORT_JOB_TOKEN those and the start and cancel of an export. x-tokens lists them for each call.",
        },
      },
      schemas: {
        ...schemasOf(REQUEST_SCHEMAS, "input"),
        ...schemasOf(ANSWER_SCHEMAS, "output"),
      },
    },
  };
}

function pathsOf(routes: readonly RouteEntry[]): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return paths;
}

function operationOf(route: RouteEntry): Json {
  const { operationId, summary, description, access, body } = route;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    ...(access === "open" ? { security: [] } : { "x-tokens": tokensFor(access) }),
    parameters: parametersOf(route),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: route.bodyRequired === true,
            content: { "application/json": { schema: reference(body) } },
          },
        }),
    responses: responsesOf(route),
  };
}

const SECRETS: Record<TokenAccess, string> = {
  read: "EXPORT_READ_TOKEN",
  job: "EXPORT_JOB_TOKEN",
  full: "ADMIN_AUTHORIZATION_TOKEN",
};

/** The secrets whose tokens open a call. */
function tokensFor(access: TokenAccess): string[] {
  return TOKEN_ACCESSES.slice(TOKEN_ACCESSES.indexOf(access)).map((each) => SECRETS[each]);
}

function parametersOf({ path, query, headers = [] }: RouteEntry): Json[] {
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name = ""]) => ({
    name,
    in: "path",
    required: true,
    schema: name === "jobId" ? { type: "string", format: "uuid" } : { type: "string" },
  }));
  const entries = query === undefined ? [] : Object.entries(QUERY_SCHEMAS[query].entries);
  const inQuery = entries.map(([name, schema]) => ({
    name,
    in: "query",
    schema: schemaOf(schema, "input"),
  }));
  const inHeader = headers.map(({ name, description }) => ({
    name,
    in: "header",
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery, ...inHeader];
}

function responsesOf({ method, access, answers, errors }: RouteEntry): Json {
  const responses: Json = {};
  for (const answer of answers) responses[answer.status] = responseOf(answer);
  const codes = [
    ...errors,
    ...(access === "open" ? [] : TOKEN_ERRORS),
    ...(method === "GET" ? [] : CHANGE_ERRORS),
    ...COMMON_ERRORS,
  ];
  for (const status of new Set(codes.map((code) => ERRORS[code].status))) {
    responses[status] = problemResponseOf(codes.filter((code) => ERRORS[code].status === status));
  }
  return responses;
}

function responseOf({ description, content, headers = [] }: Answer): Json {
  const described = headers.map(({ name, description }) => [
    name,
    { description, schema: { type: "string" } },
  ]);
  return {
    description,
    ...(headers.length === 0 ? {} : { headers: Object.fromEntries(described) as Json }),
    ...(content === undefined ? {} : { content: contentOf(content) }),
  };
}

function contentOf(content: NonNullable<Answer["content"]>): Json {
  if (content === "bytes") return { "*/*": { schema: {} } };
  if (content === "events") return { "text/event-stream": { schema: { type: "string" } } };
  return { "application/json": { schema: reference(content) } };
}

function problemResponseOf(codes: ErrorCode[]): Json {
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

/** JSON Schemas of a kind, which refer to one another. */
function schemasOf(schemas: Record<string, v.GenericSchema>, typeMode: "input" | "output"): Json {
  return toJsonSchemaDefs(schemas, {
    target: "draft-2020-12",
    typeMode,
    errorMode: "ignore",
    overrideRef: ({ referenceId }) => `#/components/schemas/${referenceId}`,
  });
}

function schemaOf(schema: v.GenericSchema, typeMode: "input" | "output"): Json {
  const { $schema: _, ...described } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode,
    errorMode: "ignore",
  });
  return described;
}
