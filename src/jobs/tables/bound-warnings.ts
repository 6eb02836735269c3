/**
 * The most warnings of a job in its row, view, manifest and callback; then the most characters in
 * one.
 */
export const WARNINGS_MAX = 100;
const WARNING_LENGTH_MAX = 1_000;
const LEFT_OUT = " more warnings are left out";

/**
 * Returns at most `WARNINGS_MAX` warnings of at most 1,000 characters. The last sentence counts
 * those left out. A list that is already within the limits stays the same.
 */
export function boundWarnings(warnings: readonly string[]): string[] {
  const shown = warnings.length > WARNINGS_MAX ? warnings.slice(0, WARNINGS_MAX - 1) : warnings;
  const left = warnings.length - shown.length;
  return [...shown.map(cut), ...(left > 0 ? [`${left}${LEFT_OUT}`] : [])];
}

/**
 * Returns the list with those of `more` that it lacks, limited again. A list that leaves some out
 * stays the same, because the new ones may be among those.
 */
export function addWarnings(warnings: readonly string[], more: readonly string[]): string[] {
  if (warnings.at(-1)?.endsWith(LEFT_OUT) === true) return [...warnings];
  return boundWarnings([...new Set([...warnings, ...more.map(cut)])]);
}

function cut(text: string): string {
  if (text.length <= WARNING_LENGTH_MAX) return text;
  return `${text.slice(0, WARNING_LENGTH_MAX - 1).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
