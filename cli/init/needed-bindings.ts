import type { ObjectBinding } from "./backup-plan.ts";

/** What every export Worker binds, by the names that the Worker reads. */
export const JOBS: ObjectBinding = { name: "EXPORT_JOBS", class_name: "ExportJobs" };

/** The class into which dumps are restored to prove them. */
export const SCRATCH: ObjectBinding = { name: "EXPORT_SCRATCH", class_name: "ScratchDatabase" };

/** Without the Workflow's own name, which is free. */
export const WORKFLOW = { binding: "EXPORT_WORKFLOW", class_name: "ExportWorkflow" };

/** The binding of the bucket. */
export const BUCKET = "EXPORT_R2_BUCKET";
