import { Hono } from "hono";

import { SOURCE_PROMISES, type SourceConfig } from "../api/source-config.ts";
import { VERSION } from "../api/version.ts";
import { bindingProblem } from "../databases/open-source.ts";
import { reportStorage } from "../storage/open-artifact-store.ts";
import type { AppEnv } from "./app-env.ts";

/** `GET /export/sources`: what this deployment can export, and where it keeps it. `doctor` shows it. */
export const sourceRoutes = new Hono<AppEnv>().get("/export/sources", async (context) => {
  const settings = context.get("config");
  return context.json({
    version: VERSION,
    ...(await reportStorage(context.env, settings)),
    sources: Object.entries(settings.sources).map(([name, config]) => ({
      name,
      type: config.type,
      objects: objectsOf(config),
      problem: bindingProblem(context.env, config),
      ...SOURCE_PROMISES[config.type],
    })),
  });
});

/** Whether a request may or must name an object; names are the customer's and are not listed. */
function objectsOf(config: SourceConfig): "one" | "listed" | "any" {
  if (config.type === "d1" || config.names === undefined) return "one";
  return config.names === "any" ? "any" : "listed";
}
