import { Hono } from "hono";

import type { AppEnv } from "./routes/app-env.ts";
import { authenticate, trustCaller } from "./routes/middleware/auth.ts";
import {
  allowOrigins,
  limitHeaders,
  requireHost,
  secureAnswers,
} from "./routes/middleware/hardening.ts";
import { onError } from "./routes/middleware/problem.ts";
import { mountRoutes } from "./routes/mount-routes.ts";
import { servePage } from "./routes/page/serve-page.ts";
import { ROUTES } from "./routes/route-list.ts";

/**
 * The HTTP API and its page: limits, then the routes, which check the token, its access, the settings
 * and the rate. If the API is mounted below a path of another app, links and hints contain that path if
 * `EXPORT_PUBLIC_URL` contains it.
 */
export function createApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(onError);
  app.use(secureAnswers(), limitHeaders(), requireHost(), allowOrigins());
  app.get("/", servePage());
  mountRoutes(app, ROUTES, authenticate());
  return app;
}

/**
 * The same routes for callers within the account, who need no token and may call everything. Only `ExportService`
 * calls it, and no request from outside reaches it. Such a call has no address, so links are paths unless
 * `EXPORT_PUBLIC_URL` is set.
 */
export function createServiceApp(): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.onError(onError);
  mountRoutes(app, ROUTES, trustCaller());
  return app;
}
