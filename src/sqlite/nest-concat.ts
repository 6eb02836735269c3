/**
 * The most arguments of one function call. The documented limit for Durable Objects and D1 is 32;
 * the first argument is the separator or format.
 */
const ARGUMENTS_MAX = 30;

/**
 * SQL that joins `terms`, none of which may be NULL, with commas. Calls are nested, because a chain
 * of 100 `||` exceeds the platform's limit on expression depth.
 */
export function nestConcat(terms: readonly string[], separator = ","): string {
  let level = [...terms];
  while (level.length > ARGUMENTS_MAX) {
    level = groupArguments(level).map((group) => call(group, separator));
  }
  return level.length === 1 ? (level[0] as string) : call(level, separator);
}

/** Returns `terms` in order, in groups as large as a call takes after its first argument. */
export function groupArguments<T>(terms: readonly T[]): T[][] {
  const groups: T[][] = [];
  for (let at = 0; at < terms.length; at += ARGUMENTS_MAX) {
    groups.push(terms.slice(at, at + ARGUMENTS_MAX));
  }
  return groups;
}

function call(terms: readonly string[], separator: string): string {
  return `concat_ws('${separator}', ${terms.join(", ")})`;
}
