import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import {
  formatBytes,
  formatNumberOf,
  formatQueued,
  formatSeconds,
  oneLine,
  shorten,
} from "./format.ts";
import { pollJob } from "./poll-job.ts";
import type { Restore } from "./restore-answers.ts";
import { RestoreClient } from "./restore-client.ts";
import type { Terminal } from "./terminal.ts";
import { findHint } from "./worker-hints.ts";

const SQL_CHARS_MAX = 200;

/** How messages name the phases; see `RESTORE_PHASES`. */
const PHASES: Readonly<Record<string, string>> = {
  scan: "scanning",
  "safety-export": "safety export",
  clear: "clearing",
  load: "loading",
  move: "moving rows",
  verify: "verifying",
  undo: "undoing",
  done: "finishing",
};

/**
 * Polls a restore until it has ended, and shows its phase and progress. Errors: `timeout` after `timeoutMs` (the
 * restore continues), `Interrupted`, and those of the client.
 */
export function followRestore(
  api: ApiClient,
  terminal: Terminal,
  { jobId, timeoutMs }: { jobId: string; timeoutMs: number | undefined },
): Promise<Restore> {
  const client = new RestoreClient(api);
  return pollJob(terminal, {
    label: "restoring",
    name: `restore ${jobId}`,
    jobId,
    look: () => client.get(jobId),
    describe: (restore) => ({
      percent: restore.progress.percent,
      parts: describeProgress(restore),
    }),
    timeoutMs,
    signal: api.signal,
  });
}

/** Returns the parts of a running restore's progress, most important first. */
export function describeProgress({
  status,
  queuePosition,
  progress,
  verification,
}: Restore): string[] {
  if (status === "queued") return [formatQueued(queuePosition)];
  const { phase, textBytes, textBytesTotal, bytesPerSecond, etaSeconds, rows } = progress;
  const name = PHASES[phase] ?? phase;
  const left = etaSeconds === null ? [] : [`${formatSeconds(etaSeconds)} left`];
  if (name === PHASES["verify"] && verification.piecesTotal !== null) {
    return [name, ...left, `${verification.pieces} of ${verification.piecesTotal}`];
  }
  const total = textBytesTotal === null ? "" : ` of ${formatBytes(textBytesTotal)}`;
  return [
    name,
    ...left,
    `${formatBytes(textBytes)}${total}`,
    ...(bytesPerSecond === null ? [] : [`${formatBytes(Math.round(bytesPerSecond))}/s`]),
    formatNumberOf(rows, "row"),
  ];
}

/**
 * Throws unless the restore is completed. `file` is the local script, which messages quote. Errors: the restore's
 * own code.
 */
export function requireRestored(restore: Restore, file?: string): void {
  if (restore.status === "completed") return;
  const { jobId, status, error } = restore;
  if (status === "failed" && error !== null) {
    const { code } = error;
    const hint = findHint({ ...error, detail: error.message, path: "/import/dump" });
    throw new CliError(
      { ofWorker: code },
      `restore ${jobId} failed: ${code}: ${describeFailure(withoutWayBack(error, restore), file)}`,
      { exitCode: EXIT.failed, hint: joinSentences(hint, describeWayBack(restore)) },
    );
  }
  throw new CliError("restore-cancelled", `restore ${jobId} is ${status}`, {
    exitCode: EXIT.failed,
    hint: describeWayBack(restore),
  });
}

/**
 * Returns where and why a statement failed, including the local file's line. For other errors, returns the Worker's
 * message.
 */
function describeFailure(
  { message, place }: NonNullable<Restore["error"]>,
  file: string | undefined,
): string {
  if (place?.statement === undefined || place.reason === undefined) return oneLine(message);
  const { statement, line, table, sql, reason } = place;
  const where = [
    ...(file === undefined || line === undefined ? [] : [`${file}:${line}: `]),
    `statement ${statement}`,
    ...(line === undefined ? [] : [`, line ${line}`]),
    ...(table === undefined ? [] : [` (table ${JSON.stringify(table)})`]),
  ].join("");
  const text = sql === undefined ? "" : `: \`${shorten(oneLine(sql), SQL_CHARS_MAX)}\``;
  return `${where}: ${oneLine(reason)}${text}`;
}

/**
 * Returns an error without the Worker's text about the safety export, since the hint contains the command for it.
 */
function withoutWayBack(
  error: NonNullable<Restore["error"]>,
  restore: Restore,
): NonNullable<Restore["error"]> {
  if (describeWayBack(restore) === undefined) return error;
  return { ...error, message: error.message.replace(/; the former content is in .*$/s, "") };
}

/**
 * Returns one sentence about the export of the target's former content, and how to restore it; undefined if there
 * is none.
 */
export function describeWayBack({ safetyExport, target, object }: Restore): string | undefined {
  if (safetyExport?.status !== "completed") return undefined;
  const { jobId, expiresAt } = safetyExport;
  const until = expiresAt === null ? "" : ` until ${expiresAt.replace(/\.\d+Z$/, "Z")}`;
  const options = Object.entries(object ?? {}).map(
    ([kind, value]) => ` --object-${kind} ${quoteWord(value)}`,
  );
  const command = `npx durable-export restore ${jobId} --target ${quoteWord(target)}${options.join("")} --replace`;
  return `Export ${jobId} keeps the former content${until}. To restore that, run \`${command}\`.`;
}

/** Quotes a word for a shell if necessary. */
function quoteWord(word: string): string {
  return /^[\w./:@-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function joinSentences(...sentences: (string | undefined)[]): string | undefined {
  const some = sentences.filter((each) => each !== undefined);
  return some.length === 0 ? undefined : some.join(" ");
}

/** Returns one line about a completed restore: what was loaded, and what is proved. */
export function describeRestored(restore: Restore): string {
  const { progress, jobId, target, startedAt, createdAt, completedAt } = restore;
  const seconds =
    completedAt === null
      ? ""
      : ` in ${formatSeconds((Date.parse(completedAt) - Date.parse(startedAt ?? createdAt)) / 1000)}`;
  const loaded = [
    formatNumberOf(progress.rows, "row"),
    formatNumberOf(progress.statements, "statement"),
    `${formatBytes(progress.textBytes)} of SQL text`,
  ].join(", ");
  return `restore ${jobId} into ${target}: ${loaded}${seconds}; ${describeProof(restore)}`;
}

function describeProof({ verification: { method, state } }: Restore): string {
  if (state !== "equal") return "not verified";
  return method === "digest" ? "verified: every byte equal" : "verified: row counts equal";
}
