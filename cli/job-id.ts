import { usageError } from "./cli-error.ts";

/**
 * Parses an argument that is a job's id. An empty one comes from a variable that was never set, and
 * is not an id.
 */
export function parseJobId(text: string): string {
  const jobId = text.trim();
  if (jobId !== "") return jobId;
  throw usageError("the job's id is empty", "`durable-export list` shows the jobs.");
}
