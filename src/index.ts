import { createApp } from "./app.ts";
import { startScheduledExports } from "./scheduled.ts";

export { Database } from "./database/database.ts";
export { ExportJobs } from "./storage/export-jobs.ts";
export { ExportWorkflow } from "./workflows/export-workflow.ts";

const app = createApp();

export default {
  fetch: app.fetch,
  scheduled: (tick, env) => startScheduledExports(env, tick),
} satisfies ExportedHandler<Env>;
