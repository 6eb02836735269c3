/** How many characters a step's name may have: https://developers.cloudflare.com/workflows/reference/limits/. */
const CHARS_MAX = 200;

/** How many characters are kept from the end of a longer name. The end may be a number. */
const END_CHARS = 40;

/** Characters that a step's name must not contain, or that are invisible, with their escapes. */
const UNSAFE = /[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  "\t": "\\t",
  "\n": "\\n",
  "\r": "\\r",
};

/**
 * Returns the name of a step: the action and its subject. Workflows refuse control characters, so those of a
 * subject are escaped, as in `\t` and `\u001b`.
 */
export function formatStepName(kind: string, subject: string): string {
  const name = subject === "" ? kind : `${kind} ${subject}`;
  const safe = name.replaceAll(UNSAFE, escapeChar);
  if (safe.length <= CHARS_MAX) return safe;
  // Cuts between characters, so none is cut in half. Each has at most two units.
  const chars = Array.from(safe);
  const end = chars.slice(-END_CHARS / 2).join("");
  let head = "";
  for (const char of chars) {
    if (head.length + char.length > CHARS_MAX - END_CHARS - 1) break;
    head += char;
  }
  return `${head}…${end}`;
}

function escapeChar(char: string): string {
  const code = (char.codePointAt(0) ?? 0).toString(16);
  return SHORT_ESCAPES[char] ?? (code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`);
}
