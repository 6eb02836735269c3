/**
 * Folds case as SQLite does in names, types, keywords and collations: only the letters A to Z have
 * two cases. JavaScript's own methods fold more: `"texẗ".toUpperCase()` contains `TEXT`.
 */
export function lowerAscii(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

/** The counterpart of `lowerAscii`. */
export function upperAscii(text: string): string {
  return text.replaceAll(/[a-z]+/g, (letters) => letters.toUpperCase());
}
