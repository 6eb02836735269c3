import { Hono } from "hono";

import { VERSION } from "../api/version.ts";
import { bindingProblem } from "../databases/open-source.ts";
import { getSourceKind } from "../databases/source-kinds.ts";
import { reportStorage } from "../storage/open-artifact-store.ts";
import type { AppEnv } from "./app-env.ts";

/** `GET /export/sources`: what this deployment can export, and where it keeps it. `doctor` shows it. */
export const sourceRoutes = new Hono<AppEnv>().get("/export/sources", async (context) => {
  const settings = context.get("config");
  return context.json({
    version: VERSION,
    ...(await reportStorage(context.env, settings)),
    sources: Object.entries(settings.sources).map(([name, config]) => {
      const kind = getSourceKind(config);
      return {
        name,
        type: config.type,
        objects: kind.objects(config),
        problem: bindingProblem(context.env, config),
        ...kind.promises,
      };
    }),
  });
});
