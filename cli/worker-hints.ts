import type { ErrorCode } from "../src/api/errors.ts";
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
  limit: "--limit",
  status: "--status",
};

/**
 * What to do about an error of the Worker, for people who type commands instead of HTTP requests.
 */
const HINTS: Partial<Record<ErrorCode, string>> = {
  "job-not-found": "`durable-export list` shows the jobs. Deleted jobs are gone for good.",
  "artifact-not-found": "Leave out --artifact to download every file of the job.",
  "export-not-finished": "Wait for it with `durable-export wait`, then download it.",
  "export-expired": "Start a new export, with a larger --retention-hours to keep it longer.",
  "export-not-downloadable":
    "`durable-export status` shows why it ended without files. Start a new export.",
  unauthorized: "Check DURABLE_EXPORT_TOKEN, --token or the configuration file.",
  forbidden: "This token may not do that. Use a token with more rights, such as the admin token.",
  "idempotency-key-reused": "Use another --idempotency-key for another request.",
  "table-not-found":
    "Check --table and --exclude: use exact names or patterns with *, in any letter case.",
  "body-too-large": "Name fewer tables with --table and --exclude, or use patterns.",
};

/**
 * Returns the hint for a problem that the Worker reported; the Worker's own hint if there is
 * nothing better.
 */
export function findHint(problem: Problem): string | undefined {
  const { code, jobId, issues = [], sources = [] } = problem;
  const is = (known: ErrorCode) => code === known;
  if (is("export-already-running") && jobId !== undefined) {
    return `Wait for it with \`durable-export wait ${jobId}\`, or end it with \`durable-export cancel ${jobId}\`.`;
  }
  if (is("source-not-found") && sources.length > 0) {
    return `The sources are: ${sources.join(", ")}. Choose one with --source.`;
  }
  if (is("source-not-found")) return "Check --source and --object-name.";
  if (is("invalid-request")) {
    const options = issues.flatMap(({ path }) => OPTIONS[path.split(".")[0] ?? ""] ?? []);
    if (options.length > 0) return `Correct ${[...new Set(options)].join(", ")}.`;
  }
  return HINTS[code as ErrorCode] ?? problem.hint;
}
