import type { Context, Hono, MiddlewareHandler } from "hono";

import { ExportError } from "../api/errors.ts";
import type { AppEnv } from "./app-env.ts";
import { requireAccess } from "./middleware/auth.ts";
import { requireRate } from "./middleware/hardening.ts";
import { listMethods } from "./middleware/methods.ts";
import { onError } from "./middleware/problem.ts";
import type { Route } from "./route.ts";

/**
 * Serves `routes`: open routes to everybody, the others to callers that `identify` finds access for. Any other call
 * requires full access, even if a handler is mounted for it later. Its answer is 404, or 405 with `Allow`.
 */
export function mountRoutes(
  app: Hono<AppEnv>,
  routes: readonly Route[],
  identify: MiddlewareHandler<AppEnv>,
): void {
  for (const { method, path, access, answer } of routes) {
    if (access === "open") app.on(method, path, answer);
  }
  app.use(identify);
  for (const { method, path, access, answer } of routes) {
    if (access === "open") continue;
    app.on(method, path, (context) => {
      requireAccess(context, access);
      return answer(context);
    });
  }
  app.use(async (context, next) => {
    requireAccess(context, "full");
    const { method } = context.req;
    if (method !== "GET" && method !== "HEAD") await requireRate(context.env);
    await next();
  });
  app.notFound((context) => answerUnknown(context, listMethods(routes, context.req.path)));
}

function answerUnknown(context: Context<AppEnv>, methods: readonly string[]): Response {
  if (methods.length === 0) {
    return onError(new ExportError("not-found", "there is no such route"), context);
  }
  const message = `${context.req.method} is not a method of this route`;
  const response = onError(new ExportError("method-not-allowed", message), context);
  response.headers.set("allow", methods.join(", "));
  return response;
}
