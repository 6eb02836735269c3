import type { Job, Proof } from "./answers.ts";
import { formatNumberOf, formatSeconds } from "./format.ts";

/**
 * Returns, for instance, "restored itself: equal, 223,398 rows in 8 pieces, 12.3 s"; undefined if no proof ended
 * with that.
 */
export function describeProved(proof: Proof | null): string | undefined {
  if (proof?.state !== "proved") return undefined;
  const { rows, pieces, seconds } = proof;
  const parts = [
    `${formatNumberOf(rows, "row")} in ${formatNumberOf(pieces, "piece")}`,
    ...(seconds === null ? [] : [formatTenths(seconds)]),
  ];
  return `restored itself: equal, ${parts.join(", ")}`;
}

/** Returns how far a job's proof is, for a line of `status`; null for a job that asks for none. */
export function describeProof({ verify, proof, status }: Job): string | null {
  if (verify !== "restore") return null;
  const proved = describeProved(proof);
  if (proved !== undefined) return proved;
  const { state = "none", rows = 0, rowsWritten = 0 } = proof ?? {};
  if (state === "failed") return "failed";
  if (state === "running") return describeRunning({ rows, rowsWritten });
  return status === "queued" || status === "running" ? "not begun" : "none";
}

/** Returns what a proof that runs has done: it writes all rows first, and then compares them. */
export function describeRunning({
  rows,
  rowsWritten,
}: Pick<Proof, "rows" | "rowsWritten">): string {
  if (rows > 0) return `${formatNumberOf(rows, "row")} equal`;
  return `${formatNumberOf(rowsWritten, "row")} written`;
}

/** 12.34 → "12.3 s"; from a minute on as `formatSeconds`. */
function formatTenths(seconds: number): string {
  return seconds < 59.95 ? `${seconds.toFixed(1)} s` : formatSeconds(seconds);
}
