import { Hono } from "hono";

import { ExportError } from "./api/errors.ts";
import type { AppEnv } from "./routes/app-env.ts";
import { authenticate } from "./routes/middleware/auth.ts";
import { downloadRoutes } from "./routes/downloads.ts";
import { eventRoutes } from "./routes/events.ts";
import {
  allowOrigins,
  limitHeaders,
  limitRate,
  requireHost,
  secureAnswers,
} from "./routes/middleware/hardening.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { allowedMethods } from "./routes/middleware/methods.ts";
import { openapiRoutes } from "./routes/openapi/openapi.ts";
import { onError } from "./routes/middleware/problem.ts";
import { queryRoutes } from "./routes/query.ts";
import { sourceRoutes } from "./routes/sources.ts";
import { streamRoutes } from "./routes/streams.ts";

/**
 * The HTTP API: limits, what is open, then the token, then the routes. Below a path of another app,
 * links and hints name that path if `EXPORT_PUBLIC_URL` has it.
 */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(onError);
  app.use(secureAnswers(), limitHeaders(), requireHost(), allowOrigins());
  app.get("/health", (context) => context.json({ status: "ok" }));
  app.use(authenticate(), limitRate());
  app.route("/", jobRoutes);
  app.route("/", streamRoutes);
  app.route("/", eventRoutes);
  app.route("/", downloadRoutes);
  app.route("/", queryRoutes);
  app.route("/", sourceRoutes);
  app.route("/", openapiRoutes);
  app.notFound((context) => {
    const allow = allowedMethods(app.routes, context.req.path);
    const { method } = context.req;
    if (allow.length > 0) {
      const error = new ExportError(
        "method-not-allowed",
        `${method} is not a method of this route`,
      );
      const response = onError(error, context);
      response.headers.set("allow", allow.join(", "));
      return response;
    }
    return onError(new ExportError("not-found", "there is no such route"), context);
  });
  return app;
}
