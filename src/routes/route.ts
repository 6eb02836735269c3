import type { Context } from "hono";
import type { ParamKeys } from "hono/types";
import type * as v from "valibot";

import type { ErrorCode } from "../api/error-codes.ts";
import type { TokenAccess } from "../api/token-access.ts";
import type { Settings } from "../config/settings.ts";
import type { AppEnv } from "./app-env.ts";
import { requireRate } from "./middleware/hardening.ts";
import {
  type BodyInput,
  parseBody,
  parseQuery,
  type QuerySchema,
} from "./middleware/parse-input.ts";

/** A route: `mountRoutes` serves it, and `describeApi` describes it. Only `route` creates one. */
export interface Route extends RouteDescription {
  /** True if `EXPORT_RATE_LIMITER` counts the calls of the route. */
  isCounted: boolean;
  /**
   * Answers a call whose token was checked. Throws ExportErrors. HEAD is answered like GET, without
   * the body.
   */
  answer: (context: Context<AppEnv>) => Promise<Response>;
}

interface RouteDescription {
  method: "GET" | "POST" | "PUT" | "DELETE";
  /** As the router reads it: `/export/dump/:jobId`. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  /** The weakest token that may call the route; `open` requires none. */
  access: RouteAccess;
  /** The parameters of the path. A parameter that is not listed accepts any text. */
  params?: Readonly<Record<string, PathParameter | undefined>>;
  /** The schema of the query. A parameter whose schema is an array may be repeated. */
  query?: QuerySchema;
  /** The headers that the route reads. */
  headers?: readonly DescribedHeader[];
  body?: BodyInput<v.GenericSchema>;
  answers: readonly Answer[];
  /**
   * The errors of this route, in addition to those of every route, every token and every counted
   * call.
   */
  errors: readonly ErrorCode[];
}

export type RouteAccess = "open" | TokenAccess;

/** A header of requests or answers. */
export interface DescribedHeader {
  name: string;
  description: string;
}

/** An answer that is not an error. */
export interface Answer {
  status: number;
  description: string;
  /**
   * The schema of a JSON body, `bytes` for a file, `events` for server-sent events; undefined for
   * an empty body.
   */
  content?: v.GenericSchema | "bytes" | "events";
  headers?: readonly DescribedHeader[];
}

/** A parameter of a path. */
export interface PathParameter {
  /** Its schema in the API's description. */
  schema: v.GenericSchema;
  /** Returns the parameter that `text` stands for. Throws an ExportError if it cannot be one. */
  parse: (text: string) => string;
}

/** A call that a token opens. */
export interface AllowedCall {
  context: Context<AppEnv>;
  settings: Settings;
  /** What the caller's token allows. */
  access: TokenAccess;
}

/**
 * The arguments of a handler. An `open` route has neither settings nor access, because they are not
 * read for it.
 */
type Call<
  TPath extends string,
  TAccess extends RouteAccess,
  TQuery extends QuerySchema | undefined,
  TBody extends v.GenericSchema,
> = (TAccess extends "open" ? Pick<AllowedCall, "context"> : AllowedCall) & {
  params: Readonly<Record<ParamKeys<TPath>, string>>;
  query: TQuery extends QuerySchema ? v.InferOutput<TQuery> : undefined;
  body: v.InferOutput<TBody>;
};

type RouteInput<
  TPath extends string,
  TAccess extends RouteAccess,
  TQuery extends QuerySchema | undefined,
  TBody extends v.GenericSchema,
> = Omit<RouteDescription, "path" | "access" | "params" | "query" | "body"> & {
  path: TPath;
  access: TAccess;
  /** True if the calls are counted; by default every one that is not a GET is. */
  isCounted?: boolean;
  params?: Readonly<Partial<Record<ParamKeys<TPath>, PathParameter>>>;
  query?: TQuery;
  body?: BodyInput<TBody>;
  /** Throws an ExportError if a call must be refused before its body is read. */
  beforeBody?: (call: AllowedCall) => void;
  handler: (call: Call<TPath, TAccess, TQuery, TBody>) => Response | Promise<Response>;
};

/**
 * Declares a route once: its path, who may call it, what it reads and answers, and the handler,
 * which receives the parsed parameters, query and body. A call is counted after its query is
 * checked and before its body is read.
 */
export function route<
  TPath extends string,
  TAccess extends RouteAccess,
  TQuery extends QuerySchema | undefined = undefined,
  TBody extends v.GenericSchema = v.UndefinedSchema<undefined>,
>(input: RouteInput<TPath, TAccess, TQuery, TBody>): Route {
  const { handler, beforeBody, ...description } = input;
  const isCounted = input.isCounted ?? input.method !== "GET";
  return {
    ...description,
    isCounted,
    answer: async (context) => {
      const allowed = {
        context,
        settings: context.get("config"),
        access: context.get("access"),
      };
      const query = input.query && parseQuery(context, input.query);
      // HEAD starts nothing.
      if (isCounted && context.req.method !== "HEAD") await requireRate(context.env);
      const params = parseParams<ParamKeys<TPath>>(context.req.param(), input.params ?? {});
      beforeBody?.(allowed);
      const body = input.body && (await parseBody(context, input.body));
      return handler({ ...allowed, params, query, body } as Call<TPath, TAccess, TQuery, TBody>);
    },
  };
}

function parseParams<TName extends string>(
  texts: Record<string, string>,
  params: NonNullable<RouteDescription["params"]>,
): Record<TName, string> {
  const parsed = Object.entries(texts).map(([name, text]) => [
    name,
    params[name]?.parse(text) ?? text,
  ]);
  return Object.fromEntries(parsed) as Record<TName, string>;
}
