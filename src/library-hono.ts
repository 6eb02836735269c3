/** The package's `durable-export/hono`: the routes as a Hono app, to serve directly or to mount. */
export { createApp } from "./app.ts";
export type { AppEnv } from "./routes/app-env.ts";
