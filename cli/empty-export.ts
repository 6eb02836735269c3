import type { Job } from "./answers.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { RequestBody } from "./api-client.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Warns about an export that contains nothing, or fails with `export-empty`. A misspelled object
 * name opens a new, empty object, and its backup is as valid as any other.
 */
export function checkNotEmpty(
  job: Pick<Job, "jobId" | "progress">,
  options: { request: RequestBody; isFailure: boolean; terminal: Terminal },
): void {
  const { request, isFailure, terminal } = options;
  const { rows, tablesTotal } = job.progress;
  const isEmpty = request["content"] === "schema" ? tablesTotal === 0 : rows === 0;
  if (!isEmpty) return;
  const found = tablesTotal === 0 ? "no tables" : "no rows";
  const object = request["name"] ?? request["id"];
  const message = `export ${job.jobId} is empty: the database has ${found}`;
  const hint =
    object === undefined
      ? "Check --source, --table and --exclude."
      : `Check that ${JSON.stringify(object)} is the object's exact name or id: an unknown one is a new, empty object.`;
  if (!isFailure) return terminal.warn(`${message}. ${hint}`);
  throw new CliError("export-empty", message, { exitCode: EXIT.failed, hint });
}
