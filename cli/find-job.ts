import type { ErrorCode } from "../src/api/error-codes.ts";
import type { Job } from "./answers.ts";
import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { type Restore } from "./restore-answers.ts";
import { RestoreClient } from "./restore-client.ts";

/** A job, labeled with its kind. */
export type FoundJob = { kind: "export"; job: Job } | { kind: "restore"; job: Restore };

/** Returns the export or restore with an id. Errors: `job-not-found` if there is neither, and the client's own. */
export async function findJobOfAnyKind(api: ApiClient, jobId: string): Promise<FoundJob> {
  try {
    return { kind: "export", job: await api.getJob(jobId) };
  } catch (error) {
    if (!isRestore(error)) throw error;
    return { kind: "restore", job: await new RestoreClient(api).get(jobId) };
  }
}

/** How the Worker answers if a restore's id is requested as an export. */
function isRestore(error: unknown): boolean {
  const code: ErrorCode = "job-not-found";
  return (
    error instanceof CliError &&
    error.code === code &&
    /\bis a restore\b.*\/import\/dump\//.test(error.message)
  );
}

/**
 * Cancels a running job of either kind, or removes an ended one unless `only` is set. Returns null if the job is
 * gone.
 */
export function removeJobOfAnyKind(
  api: ApiClient,
  { kind, job: { jobId } }: FoundJob,
  options: { only?: "cancel" } = {},
): Promise<Job["status"] | null> {
  return kind === "export"
    ? api.removeJob(jobId, options)
    : new RestoreClient(api).remove(jobId, options);
}
