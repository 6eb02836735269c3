import { Hono } from "hono";

import type { AppEnv } from "./app-env.ts";
import { openApiDocument } from "./openapi-document.ts";

/** `GET /openapi.json`: the API's description. */
export const openapiRoutes = new Hono<AppEnv>().get("/openapi.json", (context) => {
  const origin = context.get("config").publicUrl ?? new URL(context.req.url).origin;
  return context.json(openApiDocument(origin));
});
