/**
 * Most arguments of one function call. Documented as 32 for Durable Objects and D1; the first
 * argument is the separator.
 */
const ARGUMENTS_MAX = 30;

/**
 * SQL that joins `terms`, none of which may be NULL, with commas. Calls are nested, since a chain of
 * 100 `||` is deeper than the platform's expression limit.
 */
export function nestedConcat(terms: readonly string[], separator = ","): string {
  let level = [...terms];
  while (level.length > ARGUMENTS_MAX) {
    const groups: string[] = [];
    for (let at = 0; at < level.length; at += ARGUMENTS_MAX) {
      groups.push(call(level.slice(at, at + ARGUMENTS_MAX), separator));
    }
    level = groups;
  }
  return call(level, separator);
}

function call(terms: readonly string[], separator: string): string {
  return `concat_ws('${separator}', ${terms.join(", ")})`;
}
