/**
 * The package `durable-export`: the classes that a Worker exports, the mixin for your own Durable
 * Objects, and the types of what is sent and stored. It runs in a Worker, not in Node.
 */
import type { RunPayload } from "./rpc/run-payload.ts";

export { ExportService } from "./export-service.ts";
export { ExportJobs } from "./jobs/export-jobs.ts";
export { ScratchDatabase } from "./databases/scratch-database.ts";
export { ExportWorkflow } from "./workflows/export/export-workflow.ts";
export {
  type ExportMethods,
  type ExportQuery,
  withExport,
} from "./databases/with-export/with-export.ts";
export type { QueryResult, RawQueryResult } from "./databases/with-export/with-export.ts";
export { startScheduledExports } from "./intake/scheduled.ts";
export type { RunPayload };
export type { ExportEnv } from "./config/bindings.ts";
export type { ExportRequest, ExportRequestInput } from "./api/export-request.ts";
export type { JobState } from "./api/job-state.ts";
export type { JobList, JobView } from "./api/job-view.ts";
export type { Manifest } from "./api/manifest.ts";
export type { RestoreRequest, RestoreRequestInput } from "./api/restore-request.ts";
export type { RestoreList, RestoreView } from "./api/restore-view.ts";
export type { SourceConfig } from "./api/source-config.ts";
export type { ErrorCode } from "./api/error-codes.ts";

/** @deprecated Use `RunPayload`, of which this is a part. */
export type RunParams = Exclude<RunPayload, StreamEnding>;
/** @deprecated Use `RunPayload`, of which this is a part. */
export type StreamEnding = Extract<RunPayload, { kind: "stream-ending" }>;
