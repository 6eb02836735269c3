export { default, ExportJobs, ExportWorkflow, ScratchDatabase } from "durable-export/worker";
