import { usageError } from "./cli-error.ts";

/** An argument that is a job's id. An empty one is a variable that was never set, and no id. */
export function parseJobId(text: string): string {
  const jobId = text.trim();
  if (jobId !== "") return jobId;
  throw usageError("the job's id is empty", "`durable-export list` shows the jobs.");
}
