import { docsUrl } from "./docs-url.ts";

/**
 * What an error code means to each edge: its HTTP status, whether another attempt can help, and the
 * hint.
 */
interface ErrorEntry {
  status: number;
  /** True if the same call may succeed later. Workflow steps retry such an error. */
  retryable: boolean;
  hint: string;
}

/**
 * Every expected failure. Codes are never renamed, because the problem response, the job row, the
 * callback and the command line all use them.
 */
export const ERRORS = {
  // Requests
  "invalid-json": {
    status: 400,
    retryable: false,
    hint: "Send one JSON object as the body, or no body at all.",
  },
  "invalid-request": {
    status: 400,
    retryable: false,
    hint: "Correct the fields that `issues` names; GET /openapi.json lists every field.",
  },
  "body-too-large": {
    status: 413,
    retryable: false,
    hint: "The largest accepted body is 16 MiB for a part of an upload, 1 MiB for POST /query and POST /export/fleet, and 64 KiB elsewhere.",
  },
  "headers-too-large": {
    status: 431,
    retryable: false,
    hint: "The URL and the headers may have 16 KiB in total.",
  },
  "too-many-requests": {
    status: 429,
    retryable: true,
    hint: "EXPORT_RATE_LIMITER bounds calls that start, change, delete or stream. Send the request again in a minute.",
  },
  unauthorized: {
    status: 401,
    retryable: false,
    hint: "Send `Authorization: Bearer <token>` with the token the Worker was deployed with.",
  },
  forbidden: {
    status: 403,
    retryable: false,
    hint: "EXPORT_READ_TOKEN only reads, EXPORT_JOB_TOKEN also starts and cancels exports. Use ADMIN_AUTHORIZATION_TOKEN for everything else.",
  },
  "not-found": { status: 404, retryable: false, hint: "GET /openapi.json lists the routes." },
  "method-not-allowed": {
    status: 405,
    retryable: false,
    hint: "The Allow header lists the methods of this route.",
  },
  "job-not-found": {
    status: 404,
    retryable: false,
    hint: "GET /export/jobs lists the jobs. Deleted jobs are gone for good.",
  },
  "artifact-not-found": {
    status: 404,
    retryable: false,
    hint: "The job view lists its artifacts by name.",
  },
  "artifact-missing": {
    status: 404,
    retryable: false,
    hint: "The stored file was deleted outside of this Worker. Start a new export.",
  },
  "source-not-found": {
    status: 404,
    retryable: false,
    hint: "Name a source of EXPORT_SOURCES, which `sources` lists. A request that names none uses the only source, or `main`.",
  },
  "destination-not-found": {
    status: 404,
    retryable: false,
    hint: "Name destinations of EXPORT_DESTINATIONS, which `destinations` lists.",
  },
  "table-not-found": {
    status: 404,
    retryable: false,
    hint: "Use exact names or `*`. ASCII case does not matter.",
  },
  "mask-invalid": {
    status: 400,
    retryable: false,
    hint: `Correct \`mask\`, or leave the table out with \`tables.exclude\`: ${docsUrl("masks.md")}`,
  },
  "callback-url-refused": {
    status: 400,
    retryable: false,
    hint: `Use an https URL of a public host that EXPORT_CALLBACK_ALLOWLIST allows: ${docsUrl("callbacks.md")}`,
  },
  "export-already-running": {
    status: 409,
    retryable: true,
    hint: "Wait for the running job or stream, or end it with DELETE /export/dump/<its id>; for a fleet, DELETE /export/fleet/<its id>.",
  },
  "export-not-finished": {
    status: 409,
    retryable: true,
    hint: "Poll the job view until its status is `completed`.",
  },
  "export-not-downloadable": {
    status: 409,
    retryable: false,
    hint: "The job ended without an artifact. Its view contains the reason. Start a new export.",
  },
  "export-expired": {
    status: 410,
    retryable: false,
    hint: "Start a new export. Use a longer `retentionHours` to keep it longer.",
  },
  "idempotency-key-reused": {
    status: 422,
    retryable: false,
    hint: "Use a new Idempotency-Key for another request body.",
  },
  "range-not-satisfiable": {
    status: 416,
    retryable: false,
    hint: "Request bytes within the Content-Length.",
  },
  "query-failed": {
    status: 400,
    retryable: false,
    hint: "Correct the statement: `detail` is the database's message. `changed` is `nothing` if everything was undone.",
  },
  "query-result-too-large": {
    status: 422,
    retryable: false,
    hint: "Select fewer rows or columns, for instance with LIMIT: an answer contains at most 24 MiB of rows.",
  },
  "query-not-available": {
    status: 404,
    retryable: false,
    hint: "POST /query answers only for the embedded database, unless the var EXPORT_QUERY is `any`.",
  },
  "configuration-invalid": {
    status: 503,
    retryable: false,
    hint: "Correct the Worker's var, secret or binding that the message names, and deploy again.",
  },

  // Restores
  "restore-already-running": {
    status: 409,
    retryable: true,
    hint: "Wait for the running restore, or cancel it with DELETE /import/dump/<its id>.",
  },
  "target-not-writable": {
    status: 403,
    retryable: false,
    hint: 'Restore only into sources that EXPORT_SOURCES configures with `"writable": true`.',
  },
  "target-not-empty": {
    status: 409,
    retryable: false,
    hint: 'Restore into an empty database, or send `"mode": "replace"` to delete what is in this one.',
  },
  "dump-not-restorable": {
    status: 422,
    retryable: false,
    hint: 'Restore an SQL export that contains the schema: start one with `"format": "sql"`, without `"content": "data"`.',
  },
  "dump-sealed": {
    status: 409,
    retryable: false,
    hint: "No private key is on the Worker. Download the file, and run `durable-export restore FILE --identity KEY_FILE`.",
  },
  "fleet-names-invalid": {
    status: 422,
    retryable: false,
    hint: "Correct the registry of names that the message describes. Names are texts of 1 to 1,000 characters.",
  },
  "fleet-members-failed": {
    status: 500,
    retryable: false,
    hint: "The fleet's `failures` contain the reason of each object. Correct them and start another fleet.",
  },
  "member-not-found": {
    status: 404,
    retryable: false,
    hint: "GET /export/fleet/<its id>/members lists the members of a fleet, and what has become of each.",
  },
  "script-not-found": {
    status: 404,
    retryable: false,
    hint: "Check the key, and that the bucket is bound as EXPORT_R2_BUCKET.",
  },
  "script-invalid": {
    status: 422,
    retryable: false,
    hint: "The file is not a complete SQL script. Nothing was changed. Check how it was made and transferred.",
  },
  "script-changed": {
    status: 409,
    retryable: false,
    hint: "Start the restore again, and do not replace the file while it is being restored.",
  },
  "statement-failed": {
    status: 422,
    retryable: false,
    hint: "Correct the statement that the message names, then restore the script again.",
  },
  "restore-differs": {
    status: 500,
    retryable: false,
    hint: "The message contains the place. After a restore, look for other writers and restore again. After an export, start a new one: this dump is unusable.",
  },
  "restore-interrupted": {
    status: 409,
    retryable: false,
    hint: "Another writer removed the restore's tables from the target. Restore again while nobody else writes.",
  },
  "proof-too-large": {
    status: 422,
    retryable: false,
    hint: 'Raise EXPORT_PROOF_ROWS_MAX if you accept the cost, or omit `"verify": "restore"`.',
  },
  "file-not-found": {
    status: 404,
    retryable: false,
    hint: "Uploads are deleted after a day without use. Upload the file again.",
  },
  "file-not-complete": {
    status: 409,
    retryable: false,
    hint: "Upload the missing parts, then send POST /import/files/<its id>/complete.",
  },
  "file-in-use": {
    status: 409,
    retryable: true,
    hint: "A restore needs the file. Wait for it, or cancel it.",
  },
  "part-invalid": {
    status: 422,
    retryable: false,
    hint: "Upload the named part as `detail` asks. Every part but the last must be `partBytes` long.",
  },
  "file-differs": {
    status: 422,
    retryable: false,
    hint: "The size or hash of the file is not the announced one. Delete the upload, check your copy, and upload the file again.",
  },

  // Jobs
  "source-unavailable": {
    status: 503,
    retryable: true,
    hint: "The database did not respond to several attempts. Check that its Worker is running, and start a new export.",
  },
  "source-timeout": {
    status: 504,
    retryable: true,
    hint: "One query took too long, several times. Give a large table without a usable key a PRIMARY KEY, or exclude it; export at a quieter time.",
  },
  "source-query-failed": {
    status: 502,
    retryable: false,
    hint: "The message is the database's own. Correct the schema that it names, or exclude the table.",
  },
  "catalog-unreadable": {
    status: 422,
    retryable: false,
    hint: "The message names the part of the schema that no dump can contain. Exclude the table, or change the schema.",
  },
  "schema-changed": {
    status: 409,
    retryable: false,
    hint: "Start the export again after tables have been created, altered or dropped.",
  },
  "plan-changed": {
    status: 409,
    retryable: false,
    hint: "Start the export again after the deployments: several versions of the Worker ran during the export.",
  },
  "snapshot-busy": {
    status: 409,
    retryable: true,
    hint: "Another export holds this database's snapshot. Wait for it, cancel it, or let its lease expire.",
  },
  "snapshot-lost": {
    status: 409,
    retryable: false,
    hint: "The message contains the reason. The job has already restarted twice. Export at a quieter time, or use `live`.",
  },
  "undo-too-large": {
    status: 422,
    retryable: false,
    hint: "Writers changed more rows than EXPORT_UNDO_BYTES_MAX keeps. Raise it, export at a quieter time, or use `live`.",
  },
  "no-space-for-snapshot": {
    status: 422,
    retryable: false,
    hint: "Lower EXPORT_UNDO_BYTES_MAX so that the database and the kept rows fit into 10 GB, or use `live`.",
  },
  "table-too-wide-for-snapshot": {
    status: 422,
    retryable: false,
    hint: "The table's names are too long for the statements of a snapshot. Shorten them, exclude the table, or use `live`.",
  },
  "name-too-long": {
    status: 422,
    retryable: false,
    hint: "The message reports the table or column. Shorten its name, or exclude the table.",
  },
  "too-many-tables-for-snapshot": {
    status: 422,
    retryable: false,
    hint: "Triggers watch at most 1,000 tables that are not small. Export some of them in each job (`tables`), or use `live`.",
  },
  "table-not-pageable": {
    status: 422,
    retryable: false,
    hint: "Give the table a PRIMARY KEY, or rename a column called rowid, _rowid_ or oid, or exclude it.",
  },
  "value-not-exportable": {
    status: 422,
    retryable: false,
    hint: "The message names the table and key. Shorten the value, or exclude the table.",
  },
  "artifact-too-large": {
    status: 422,
    retryable: false,
    hint: "Raise EXPORT_PART_BYTES (an artifact has at most 10,000 parts), or export fewer tables in a job.",
  },
  "artifact-corrupt": {
    status: 500,
    retryable: false,
    hint: "The stored bytes differed from the written ones, even after a restart. Start a new export.",
  },
  "storage-unavailable": {
    status: 503,
    retryable: true,
    hint: "The artifact store did not answer several attempts. Repeat the call, or start a new export. Files of a deleted job or upload are removed later automatically.",
  },
  "destination-refused": {
    status: 502,
    retryable: false,
    hint: "Correct the destination in EXPORT_DESTINATIONS or its secrets; `durable-export doctor` checks each destination.",
  },
  "inline-storage-full": {
    status: 507,
    retryable: false,
    hint: "Delete or expire older exports, raise EXPORT_INLINE_BYTES_MAX, or bind a bucket as EXPORT_R2_BUCKET.",
  },
  "run-superseded": {
    status: 409,
    retryable: false,
    hint: "Do nothing: the job continues in the newer run.",
  },
  "try-overtaken": {
    status: 409,
    retryable: true,
    hint: "Another attempt of the same step committed first, several times. Start a new export.",
  },
  "export-stalled": {
    status: 503,
    retryable: true,
    hint: "The runs of the job went silent at the same place, or its instance waited for a week. The Workflow's instances in the dashboard show where.",
  },
  "stream-expired": {
    status: 409,
    retryable: false,
    hint: "The client read nothing for two minutes, or DELETE ended the stream. Request it again, or start a job.",
  },
  "workflow-not-started": {
    status: 503,
    retryable: true,
    hint: "The Workflow could not be created. Send the request again.",
  },
  "jobs-database-newer": {
    status: 503,
    retryable: false,
    hint: "Deploy the newer version of this Worker again: it has written the job tables.",
  },
  "internal-error": {
    status: 500,
    retryable: true,
    hint: "Read the Worker's logs for the cause: a bug, or a temporary fault of the platform.",
  },
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;
