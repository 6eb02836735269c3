/**
 * Folds case as SQLite does in names, types, keywords and collations: only the letters A to Z have
 * two cases. JavaScript's own methods fold more: `"texẗ".toUpperCase()` contains `TEXT`.
 */
export function lowerAscii(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The counterpart of `lowerAscii`. */
export function upperAscii(text: string): string {
  if (isAscii(text)) return text.toUpperCase();
  return text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase());
}

/** JavaScript's own methods are faster, and fold the same letters here. */
function isAscii(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return /^[\0-\x7f]*$/.test(text);
}
