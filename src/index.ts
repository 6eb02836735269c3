import { createApp } from "./app.ts";

export { Database } from "./database/database.ts";
export { ExportJobs } from "./storage/export-jobs.ts";
export { ExportWorkflow } from "./workflows/export-workflow.ts";

const app = createApp();

export default { fetch: app.fetch } satisfies ExportedHandler<Env>;
