import type { ObjectBinding } from "./backup-plan.ts";

/** The binding that every export Worker has, under the name that the code reads. */
export const JOBS: ObjectBinding = { name: "EXPORT_JOBS", class_name: "ExportJobs" };

/** The class into which the Worker restores dumps to prove them. */
export const SCRATCH: ObjectBinding = { name: "EXPORT_SCRATCH", class_name: "ScratchDatabase" };

/** The Workflow's binding. The Workflow's own name can be chosen freely. */
export const WORKFLOW = { binding: "EXPORT_WORKFLOW", class_name: "ExportWorkflow" };

/** The name of the bucket's binding. */
export const BUCKET = "EXPORT_R2_BUCKET";
