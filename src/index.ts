export { Database } from "./databases/database.ts";
export { ExportJobs, ExportWorkflow } from "./library-worker.ts";
export { default } from "./library-worker.ts";
