export {
  Database,
  ExportJobs,
  ExportService,
  ExportWorkflow,
  ScratchDatabase,
} from "./library-worker.ts";
export { default } from "./library-worker.ts";
