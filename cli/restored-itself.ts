import type { Job, Proof } from "./answers.ts";
import { formatNumberOf, formatSeconds } from "./format.ts";

/**
 * Returns, for instance, "restored itself: equal, 223,398 rows in 8 pieces, 12.3 s"; undefined if no proof ended
 * with that. `isMasked`: the dump differs from its source, and so does what is proved.
 */
export function describeProved(proof: Proof | null, isMasked = false): string | undefined {
  if (proof?.state !== "proved") return undefined;
  const { rows, pieces, seconds } = proof;
  const parts = [
    `${formatNumberOf(rows, "row")} in ${formatNumberOf(pieces, "piece")}`,
    ...(seconds === null ? [] : [formatTenths(seconds)]),
  ];
  const what = isMasked ? "the masked dump restored itself" : "restored itself";
  return `${what}: equal, ${parts.join(", ")}`;
}

/** Returns how far a job's proof is, for a line of `status`; null for a job that asks for none. */
export function describeProof({ verify, proof, status, masked }: Job): string | null {
  if (verify !== "restore") return null;
  const proved = describeProved(proof, masked.length > 0);
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
