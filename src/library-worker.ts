import { createApp } from "./app.ts";
import type { ExportEnv } from "./config/bindings.ts";
import { startScheduledExports } from "./intake/scheduled.ts";

export { Database } from "./databases/database.ts";
export { ScratchDatabase } from "./databases/scratch-database.ts";
export { ExportService } from "./export-service.ts";
export { ExportJobs } from "./jobs/export-jobs.ts";
export { ExportWorkflow } from "./workflows/export/export-workflow.ts";

const app = createApp();

/**
 * The package's `durable-export/worker`: a whole Worker that exports the databases bound to it. Its
 * main file needs only `export * from "durable-export/worker"; export { default } from
 * "durable-export/worker";`.
 */
export default {
  fetch: app.fetch,
  scheduled: (tick, env) => startScheduledExports(env, tick),
} satisfies ExportedHandler<ExportEnv>;
