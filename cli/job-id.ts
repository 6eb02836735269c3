import { usageError } from "./cli-error.ts";

/** Parses a job's id from an argument. Refuses an empty one, which comes from a variable that was never set. */
export function parseJobId(text: string): string {
  const jobId = text.trim();
  if (jobId !== "") return jobId;
  throw usageError("the job's id is empty", "`npx durable-export list` shows the jobs.");
}
