export { Database, ExportJobs, ExportService, ExportWorkflow } from "./library-worker.ts";
export { default } from "./library-worker.ts";
