import type { ErrorCode } from "../../api/error-codes.ts";
import { ExportError } from "../../api/errors.ts";
import { encodeUtf8, toHex } from "../../lib/bytes.ts";
import type { Source } from "../../databases/source.ts";
import { hasKeyValueEntries } from "../../loading/target.ts";
import { KEY_VALUE_STORAGE } from "../../sqlite/key-values.ts";
import { unwrap } from "../../rpc/outcome.ts";
import type { RunContext } from "../engine/run-context.ts";
import { RestoreRun } from "./restore-run.ts";

/**
 * Starts the export of what a restore will delete, and returns its job. The restore holds the database's lock, so
 * the export has its own lock. Repeating it returns the same job.
 */
export async function startSafetyExport(context: RunContext): Promise<{ jobId: string }> {
  const run = await RestoreRun.open(context);
  const { jobId, request, origin } = run.restore;
  if (run.state.safetyJobId !== null) return { jobId: run.state.safetyJobId };
  const { target, name, id, retentionHours } = request;
  const idempotencyKey = `safety export of restore ${jobId}`;
  const digest = await crypto.subtle.digest("SHA-256", encodeUtf8(idempotencyKey));
  const { view } = unwrap(
    await context.jobs.create({
      jobId: crypto.randomUUID(),
      request: {
        source: target,
        ...(name !== undefined && { name }),
        ...(id !== undefined && { id }),
        format: "sql",
        compression: "gzip",
        consistency: "snapshot",
        content: "all",
        retentionHours,
      },
      databaseKey: idempotencyKey,
      requestDigest: toHex(new Uint8Array(digest)),
      idempotencyKey,
      origin,
      nowMs: Date.now(),
      startsAtOnce: true,
    }),
  );
  await run.commit({ safetyJobId: view.jobId });
  return { jobId: view.jobId };
}

/** Throws `export-not-downloadable` if the restore would delete key-value entries that the safety export lacks. */
async function requireWholeEntries(target: Source, warnings: readonly string[]): Promise<void> {
  const warning = warnings.find((each) => each.includes(KEY_VALUE_STORAGE));
  if (warning === undefined || !(await hasKeyValueEntries(target))) return;
  throw new ExportError(
    "export-not-downloadable",
    `nothing was changed, because the safety export would not bring everything back: ${warning}`,
  );
}

/**
 * Reports whether the safety export is completed, which means that its file was also read back. Errors: the
 * export's error if it failed, and `export-not-downloadable` if somebody ended it.
 */
export async function checkSafetyExport(
  context: RunContext,
): Promise<{ jobId: string; status: string; isDone: boolean }> {
  const run = await RestoreRun.open(context);
  const jobId = run.state.safetyJobId ?? "";
  const { status, error, warnings } = unwrap(await context.jobs.view(jobId));
  if (status === "queued" || status === "running") return { jobId, status, isDone: false };
  if (status === "completed") {
    await requireWholeEntries(run.openTarget(), warnings);
    return { jobId, status, isDone: true };
  }
  throw new ExportError(
    (error?.code as ErrorCode | undefined) ?? "export-not-downloadable",
    `nothing was changed, because the safety export ${jobId} is ${status}${error === null ? "" : `: ${error.message}`}`,
  );
}
