/**
 * The package `durable-export`: the classes that a Worker exports, the mixin for one's own Durable
 * Objects, and the types of what is sent and stored. It runs in a Worker, not in Node.
 */
export { ExportJobs } from "./storage/export-jobs.ts";
export { ExportWorkflow } from "./workflows/export-workflow.ts";
export { type ExportMethods, type ExportQuery, withExport } from "./source/with-export.ts";
export type { QueryResult, RawQueryResult } from "./source/with-export.ts";
export { startScheduledExports } from "./scheduled.ts";
export type { ExportEnv, RunParams, StreamEnding } from "./env.ts";
export type { ExportRequest } from "./model/export-request.ts";
export type { JobState } from "./model/job-state.ts";
export type { JobList, JobView } from "./model/job-view.ts";
export type { Manifest } from "./model/manifest.ts";
export type { SourceConfig } from "./model/source-config.ts";
export type { ErrorCode } from "./model/error.ts";
