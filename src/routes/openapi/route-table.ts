import type { ErrorCode } from "../../api/errors.ts";
import type { TokenAccess } from "../../config/access-tokens.ts";

/** Every call of the API as its description has it; a test holds it to what the app answers. */
export interface RouteEntry {
  method: "GET" | "POST" | "DELETE";
  /** As the router has it. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  /** The weakest token that opens it; `open` asks for none. */
  access: "open" | TokenAccess;
  /** Name of the schema of the query's parameters. */
  query?: "ListQuery" | "DumpStreamQuery" | "TableStreamQuery";
  headers?: readonly HeaderParameter[];
  /** Name of the body's schema; a body is optional where `bodyRequired` is not set. */
  body?: "ExportRequest" | "QueryRequest";
  bodyRequired?: boolean;
  answers: readonly Answer[];
  /** Beside those of all calls, of those with a token, and of those that change something. */
  errors: readonly ErrorCode[];
}

interface HeaderParameter {
  name: string;
  description: string;
}

export interface Answer {
  status: number;
  description: string;
  /** Name of a schema, `bytes` for a file; none for an empty body. */
  content?: AnswerSchemaName | "bytes" | "events";
  headers?: readonly HeaderParameter[];
}

export type AnswerSchemaName =
  | "Health"
  | "JobView"
  | "JobList"
  | "Manifest"
  | "SourceList"
  | "QueryResult"
  | "OpenApi";

/** What every call may answer. */
export const COMMON_ERRORS: readonly ErrorCode[] = ["headers-too-large", "internal-error"];

/** What every call that asks for a token may answer. */
export const TOKEN_ERRORS: readonly ErrorCode[] = [
  "unauthorized",
  "forbidden",
  "configuration-invalid",
];

/** What every call that changes something may answer, and every stream. */
export const CHANGE_ERRORS: readonly ErrorCode[] = ["too-many-requests"];

const FILE_HEADERS: readonly HeaderParameter[] = [
  { name: "Range", description: "One range of bytes; several are answered with the whole." },
  { name: "If-Range", description: "The range is given only of the file with this ETag." },
  { name: "If-None-Match", description: "304 where the file has this ETag." },
];

const FILE_ANSWER_HEADERS: readonly HeaderParameter[] = [
  { name: "ETag", description: "An artifact's SHA-256, in quotes; a ZIP has a tag of its own." },
  { name: "Content-Disposition", description: "The file's name (RFC 6266)." },
  { name: "Repr-Digest", description: "The whole file's SHA-256 (RFC 9530); none of a ZIP." },
];

const FILE_ANSWERS: readonly Answer[] = [
  { status: 200, description: "The file", content: "bytes", headers: FILE_ANSWER_HEADERS },
  {
    status: 206,
    description: "The range of it that was asked for",
    content: "bytes",
    headers: [
      ...FILE_ANSWER_HEADERS,
      { name: "Content-Range", description: "Which bytes these are, and of how many." },
    ],
  },
  { status: 304, description: "The file is the one that If-None-Match names" },
];

const FILE_ERRORS: readonly ErrorCode[] = [
  "job-not-found",
  "artifact-not-found",
  "artifact-missing",
  "export-not-finished",
  "export-not-downloadable",
  "export-expired",
  "range-not-satisfiable",
  "storage-unavailable",
];

const STREAM_ANSWERS: readonly Answer[] = [
  {
    status: 200,
    description:
      "The file, as it is read. A connection that is broken off before its end is not the whole file",
    content: "bytes",
    headers: [
      { name: "Content-Disposition", description: "The file's name (RFC 6266)." },
      { name: "Export-Snapshot-At", description: "The instant it shows; none where it is live." },
      { name: "Export-Warnings", description: "A JSON list of sentences, where there are any." },
    ],
  },
];

const STREAM_ERRORS: readonly ErrorCode[] = [
  ...CHANGE_ERRORS,
  "invalid-request",
  "source-not-found",
  "table-not-found",
  "export-already-running",
  "snapshot-busy",
  "schema-changed",
  "catalog-unreadable",
  "table-too-wide-for-snapshot",
  "name-too-long",
  "too-many-tables-for-snapshot",
  "table-not-pageable",
  "stream-expired",
  "source-unavailable",
  "source-timeout",
  "source-query-failed",
];

export const ROUTES: readonly RouteEntry[] = [
  {
    method: "GET",
    path: "/export/dump",
    operationId: "streamDump",
    summary: "Stream a dump, without a job",
    description:
      "The bytes that a job's file has. What is more than a page locks and freezes the database until the " +
      "stream ends, its client leaves, or takes nothing for two minutes. A format of a file a table " +
      "needs a selection of one table.",
    access: "full",
    query: "DumpStreamQuery",
    answers: STREAM_ANSWERS,
    errors: STREAM_ERRORS,
  },
  {
    method: "GET",
    path: "/export/csv/:table",
    operationId: "streamCsv",
    summary: "Stream a table as CSV, without a job",
    access: "full",
    query: "TableStreamQuery",
    answers: STREAM_ANSWERS,
    errors: STREAM_ERRORS,
  },
  {
    method: "GET",
    path: "/export/json/:table",
    operationId: "streamJson",
    summary: "Stream a table as a JSON array, without a job",
    access: "full",
    query: "TableStreamQuery",
    answers: STREAM_ANSWERS,
    errors: STREAM_ERRORS,
  },
  {
    method: "POST",
    path: "/export/dump",
    operationId: "startExport",
    summary: "Start an export job",
    description:
      "One job a source runs at a time. A repeat with the same Idempotency-Key and body gives the same job.",
    access: "job",
    headers: [
      { name: "Idempotency-Key", description: "1 to 255 visible ASCII characters of your own." },
    ],
    body: "ExportRequest",
    answers: [
      {
        status: 202,
        description: "The job, which runs on by itself",
        content: "JobView",
        headers: [
          { name: "Location", description: "The job's view." },
          { name: "Retry-After", description: "Seconds after which it is worth a look." },
          { name: "Idempotency-Replayed", description: "`true` where the job was there already." },
        ],
      },
    ],
    errors: [
      "invalid-json",
      "invalid-request",
      "body-too-large",
      "source-not-found",
      "callback-url-refused",
      "export-already-running",
      "idempotency-key-reused",
      "inline-storage-full",
    ],
  },
  {
    method: "GET",
    path: "/export/dump/:jobId",
    operationId: "getExport",
    summary: "Look at a job",
    access: "read",
    answers: [{ status: 200, description: "The job", content: "JobView" }],
    errors: ["job-not-found"],
  },
  {
    method: "DELETE",
    path: "/export/dump/:jobId",
    operationId: "deleteExport",
    summary: "Cancel a running job, delete an ended one with its files, or end a stream",
    description:
      "Idempotent: a cancelled job stays, and an unknown one is as good as deleted. EXPORT_JOB_TOKEN only cancels: " +
      "it is refused for an ended job and for a stream.",
    access: "job",
    answers: [
      { status: 200, description: "The job, cancelled", content: "JobView" },
      { status: 204, description: "The job and its files are gone; the stream has ended" },
    ],
    errors: ["job-not-found", "storage-unavailable"],
  },
  {
    method: "GET",
    path: "/export/dump/:jobId/download",
    operationId: "downloadExport",
    summary: "Download what a job exported",
    description:
      "The artifact where there is one; else a ZIP of all artifacts and the manifest, stored as they are, with " +
      "ZIP64 where it is needed. Its bytes are the same each time, and ranges of it work. An export that was made " +
      "before there were ZIPs answers artifact-not-found.",
    access: "read",
    headers: FILE_HEADERS,
    answers: FILE_ANSWERS,
    errors: FILE_ERRORS,
  },
  {
    method: "GET",
    path: "/export/dump/:jobId/download/:artifact",
    operationId: "downloadArtifact",
    summary: "Download one artifact of a job",
    access: "read",
    headers: FILE_HEADERS,
    answers: FILE_ANSWERS,
    errors: FILE_ERRORS,
  },
  {
    method: "GET",
    path: "/export/dump/:jobId/manifest",
    operationId: "getManifest",
    summary: "Read a job's manifest: tables, rows, bytes, parts and SHA-256s",
    access: "read",
    answers: [{ status: 200, description: "The manifest", content: "Manifest" }],
    errors: [
      "job-not-found",
      "artifact-missing",
      "export-not-finished",
      "export-not-downloadable",
      "export-expired",
      "storage-unavailable",
    ],
  },
  {
    method: "GET",
    path: "/export/dump/:jobId/events",
    operationId: "followExport",
    summary: "Follow a job as server-sent events, to its end",
    description:
      "`progress` with the job view when it has changed, at most twice a second; `end` with the last one; " +
      "`deleted` where the job is removed meanwhile. Comments keep a silent connection alive. A stream " +
      "ends after 15 minutes at most, and goes on where Last-Event-ID says.",
    access: "read",
    headers: [{ name: "Last-Event-ID", description: "The id of the last event that came." }],
    answers: [
      { status: 200, description: "The events", content: "events" },
      { status: 204, description: "Last-Event-ID is that of the end: nothing more comes" },
    ],
    errors: ["job-not-found"],
  },
  {
    method: "GET",
    path: "/export/jobs",
    operationId: "listExports",
    summary: "List jobs, newest first",
    access: "read",
    query: "ListQuery",
    answers: [{ status: 200, description: "One page", content: "JobList" }],
    errors: ["invalid-request"],
  },
  {
    method: "GET",
    path: "/export/sources",
    operationId: "listSources",
    summary: "List what this deployment can export, and where it keeps it",
    access: "read",
    answers: [{ status: 200, description: "The sources", content: "SourceList" }],
    errors: [],
  },
  {
    method: "POST",
    path: "/query",
    operationId: "query",
    summary: "Run statements in the embedded database",
    description:
      "A request is all or nothing, several statements in one `sql` included; the answer to such a text is that " +
      "of its last statement. With EXPORT_QUERY `any` the class that is bound may be one that does not roll " +
      "back: then each `sql` is one statement, and `changed` of a failure is `unknown`.",
    access: "full",
    body: "QueryRequest",
    bodyRequired: true,
    answers: [{ status: 200, description: "The rows", content: "QueryResult" }],
    errors: [
      "invalid-json",
      "invalid-request",
      "body-too-large",
      "query-failed",
      "query-result-too-large",
      "query-not-available",
      "source-unavailable",
    ],
  },
  {
    method: "GET",
    path: "/openapi.json",
    operationId: "getDescription",
    summary: "Read this description",
    access: "read",
    answers: [{ status: 200, description: "OpenAPI 3.1", content: "OpenApi" }],
    errors: [],
  },
  {
    method: "GET",
    path: "/health",
    operationId: "getHealth",
    summary: "Tell that the Worker is alive",
    access: "open",
    answers: [{ status: 200, description: "It is", content: "Health" }],
    errors: [],
  },
];
