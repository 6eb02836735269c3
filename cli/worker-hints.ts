import { docsUrl } from "../src/api/docs-url.ts";
import type { ErrorCode } from "../src/api/error-codes.ts";
import type { Problem } from "./answers.ts";

/** The command line's option for each field of a request. */
const OPTIONS: Readonly<Record<string, string>> = {
  source: "--source",
  name: "--object-name or --object-id",
  id: "--object-id",
  format: "--format",
  compression: "--compression",
  consistency: "--consistency",
  content: "--content",
  tables: "--table and --exclude",
  callbackUrl: "--callback-url",
  retentionHours: "--retention-hours",
  copyTo: "--copy-to",
  copyRequired: "--copy-required",
  encrypt: "--encrypt",
  mask: "--mask",
  series: "--series",
  retention: "--keep",
  limit: "--limit",
  status: "--status",
  from: "the file or job to restore",
  target: "--target",
  mode: "--replace",
  verify: "--verify",
  undoOnFailure: "--undo-on-failure",
};

/** What to do about an error of the Worker, for people who type commands instead of HTTP requests. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  "job-not-found": "`npx durable-export list` shows the jobs. Deleted jobs are gone for good.",
  "artifact-not-found": "Leave out --artifact to download every file of the job.",
  "export-not-finished": "Wait for it with `npx durable-export wait`, then download it.",
  "export-expired": "Start a new export, with a larger --retention-hours to keep it longer.",
  "export-not-downloadable":
    "`npx durable-export status` shows why it ended without files. Start a new export.",
  unauthorized: "Check DURABLE_EXPORT_TOKEN, --token or the configuration file.",
  forbidden: "This token may not do that. Use the value of ADMIN_AUTHORIZATION_TOKEN.",
  "idempotency-key-reused": "Use another --idempotency-key for another request.",
  "table-not-found":
    "Check --table and --exclude: use exact names or patterns with *, in any letter case.",
  "mask-invalid": `Correct --mask, or leave the table out with --exclude: ${docsUrl("masks.md")}`,
  "body-too-large": "Name fewer tables with --table and --exclude, or use patterns.",
  "target-not-writable":
    'Add `"writable": true` to the source in EXPORT_SOURCES and deploy, or choose another --target.',
  "target-not-empty":
    "Choose an empty target, or add --replace: it exports what is in this one, then deletes it.",
  "proof-too-large":
    "Leave out --verify restore, or raise EXPORT_PROOF_ROWS_MAX if you accept the cost.",
  "dump-not-restorable":
    "Only SQL dumps with their schema can be restored. Export again with `npx durable-export dump --format sql`.",
  "dump-sealed":
    "Run `npx durable-export download`, then `npx durable-export restore FILE --identity KEY_FILE`.",
  "script-changed": "Run the same command again, and leave the file as it is until it ends.",
  "statement-failed": "Correct the statement, then run the same command again.",
  "restore-differs":
    "Something else may write the target. Stop it, then run the same command again with --replace.",
  "restore-interrupted": "Stop whatever else writes the target, then run the same command again.",
  "file-not-found": "Run the same command again: it uploads the file again.",
  "file-not-complete": "Run the same command again: it uploads the missing parts.",
  "part-invalid": "Run the same command again with --fresh: it uploads the whole file.",
  "file-differs": "Run the same command again with --fresh, and leave the file as it is meanwhile.",
};

/** The same for calls of exports, if an error means something else there than in a restore. */
const EXPORT_HINTS: Partial<Record<ErrorCode, string>> = {
  "dump-not-restorable":
    "Leave out --verify restore, or export an SQL dump with its tables: --format sql, without --content data.",
  "restore-differs":
    "Do not rely on this dump. Run the same command again, and report the message if the next dump differs too.",
};

/** How the message of a proof begins if SQLite refused a statement of the dump. */
const REFUSED = "the dump cannot be restored";

/**
 * Returns the hint for a problem that the Worker reported: one for the command line if there is one, otherwise the
 * Worker's own. `path` is the path that was called, because restores use another option for their source.
 */
export function findHint(problem: Problem & { path?: string }): string | undefined {
  const { code, jobId, detail, issues = [], sources = [], path = "" } = problem;
  const is = (known: ErrorCode) => code === known;
  const sourceOption = path.startsWith("/import/") ? "--target" : "--source";
  const isBusy = is("export-already-running") || is("restore-already-running");
  if (isBusy && jobId !== undefined) {
    return `Wait for it with \`npx durable-export wait ${jobId}\`, or end it with \`npx durable-export cancel ${jobId}\`.`;
  }
  if (is("source-not-found") && sources.length > 0) {
    return `The sources are: ${sources.join(", ")}. Choose one with ${sourceOption}.`;
  }
  if (is("source-not-found")) return `Check ${sourceOption} and --object-name.`;
  if (is("invalid-request")) {
    const options = issues.flatMap((issue) => OPTIONS[issue.path.split(".")[0] ?? ""] ?? []);
    if (options.length > 0) return `Correct ${[...new Set(options)].join(", ")}.`;
  }
  if (is("restore-differs") && detail.startsWith(REFUSED)) {
    return "Correct the row or the statement that the message names, or leave out its table with --exclude.";
  }
  const hints = path.startsWith("/export/") ? { ...HINTS, ...EXPORT_HINTS } : HINTS;
  return hints[code as ErrorCode] ?? problem.hint;
}
