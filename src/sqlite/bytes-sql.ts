/**
 * SQL of the sum of columns' lengths in bytes. The sum is split in halves recursively, because a
 * chain of 100 is too deep.
 */
export function bytesSql(terms: readonly string[]): string {
  if (terms.length === 0) return "0";
  if (terms.length === 1) return `coalesce(octet_length(${terms[0]}), 0)`;
  const half = terms.length >> 1;
  return `(${bytesSql(terms.slice(0, half))} + ${bytesSql(terms.slice(half))})`;
}
