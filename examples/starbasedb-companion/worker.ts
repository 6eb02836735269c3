export { default, ExportJobs, ExportWorkflow } from "durable-export/worker";
