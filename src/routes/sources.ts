import { Hono } from "hono";

import { VERSION } from "../model/version.ts";
import type { AppEnv } from "./app-env.ts";

/** `GET /export/sources`: what this deployment can export, and where it keeps it. `doctor` shows it. */
export const sourceRoutes = new Hono<AppEnv>().get("/export/sources", (context) => {
  const { sources } = context.get("config");
  return context.json({
    version: VERSION,
    storage: context.env.EXPORT_R2_BUCKET === undefined ? "inline" : "r2",
    sources: Object.entries(sources).map(([name, { type }]) => ({ name, type })),
  });
});
