/** Warnings of a job, in its row, its view, its manifest and its callback; and characters in one. */
export const WARNINGS_MAX = 100;
const WARNING_LENGTH_MAX = 1_000;
const LEFT_OUT = " more warnings are left out";

/**
 * At most `WARNINGS_MAX` warnings of at most 1,000 characters. The last sentence counts those left out.
 * Bounding a bounded list changes nothing.
 */
export function boundWarnings(warnings: readonly string[]): string[] {
  const shown = warnings.length > WARNINGS_MAX ? warnings.slice(0, WARNINGS_MAX - 1) : warnings;
  const left = warnings.length - shown.length;
  return [...shown.map(cut), ...(left > 0 ? [`${left}${LEFT_OUT}`] : [])];
}

/**
 * A bounded list with those of `more` that it lacks, bounded again. A list that leaves some out stays as it
 * is, since nobody knows whether it left out these.
 */
export function addWarnings(warnings: readonly string[], more: readonly string[]): string[] {
  if (warnings.at(-1)?.endsWith(LEFT_OUT) === true) return [...warnings];
  return boundWarnings([...new Set([...warnings, ...more.map(cut)])]);
}

function cut(text: string): string {
  if (text.length <= WARNING_LENGTH_MAX) return text;
  return `${text.slice(0, WARNING_LENGTH_MAX - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
