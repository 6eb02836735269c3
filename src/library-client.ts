/** The package's `durable-export/client`: the HTTP API, typed, for any program that has `fetch`. */
export { ExportClient } from "./client/export-client.ts";
export type {
  CallOptions,
  DownloadOptions,
  EventsOptions,
  ExportClientOptions,
  JobEvent,
  ListFilter,
  MemberFilter,
  SignedManifest,
  StartOptions,
  WaitOptions,
} from "./client/client-options.ts";
export { ExportApiError, type ExportApiErrorCode } from "./client/export-api-error.ts";
export type { ErrorCode } from "./api/error-codes.ts";
export type { ExportRequestInput } from "./api/export-request.ts";
export type { FleetManifest } from "./api/fleet-manifest.ts";
export type { FleetRequestInput } from "./api/fleet-request.ts";
export type { FleetList, FleetView, MemberPage } from "./api/fleet-view.ts";
export type { JobState } from "./api/job-state.ts";
export type { JobList, JobView } from "./api/job-view.ts";
export type { Manifest } from "./api/manifest.ts";
export type { QueryInput, QueryRow } from "./api/query-request.ts";
export type { RestoreRequestInput } from "./api/restore-request.ts";
export type { RestoreList, RestoreView } from "./api/restore-view.ts";
export type { SourceList } from "./api/source-list.ts";
export type { StreamRequestInput } from "./api/stream-query.ts";
