import { Hono } from "hono";

import type { AppEnv } from "./app-env.ts";
import { answerOrigin } from "./links.ts";
import { openApiDocument } from "./openapi/openapi-document.ts";

/** `GET /openapi.json`: the API's description. */
export const openapiRoutes = new Hono<AppEnv>().get("/openapi.json", (context) => {
  return context.json(openApiDocument(answerOrigin(context)));
});
