/**
 * Shorter values are hidden only if they stand alone in the text: "a" is a letter of many words.
 */
const SHORT_LENGTH = 4;

/** A part of a value with at least this length is also a secret, as in `bot123:<token>`. */
const PART_LENGTH_MIN = 8;

const HIDDEN = "[hidden]";

/**
 * Lists everything in a URL's path and query that may be a secret, in each form in which a receiver
 * may repeat it: as sent, decoded, re-encoded, and escaped for JSON or HTML.
 */
export function listUrlSecrets(url: string): string[] {
  const { pathname, search } = new URL(url);
  const values = [
    ...pathname.split("/"),
    // A name without a value may be the secret itself.
    ...search
      .slice(1)
      .split("&")
      .map((entry) => /^[^=]*=(.+)$/s.exec(entry)?.[1] ?? entry),
  ].filter((value) => value !== "");
  const decoded = values.flatMap((value) => [
    decodePercent(value),
    decodePercent(value.replaceAll("+", " ")),
  ]);
  const parts = decoded
    .flatMap((value) => value.split(/[^\p{L}\p{N}_-]+/u))
    .filter((part) => part.length >= PART_LENGTH_MIN);
  const whole = [`${pathname}${search}`, pathname, search].filter((text) => text.length > 1);
  const texts = [...whole, ...whole.map(decodePercent), ...values, ...decoded, ...parts];
  return [...new Set([...texts, ...decoded.flatMap(escapeVariously)])];
}

/**
 * Returns `text` on one line, without control or formatting characters and without the `secrets`,
 * in any letter case. A secret that is cut off by the end of the text is hidden too.
 */
export function hideTexts(text: string, secrets: readonly string[]): string {
  const hidden = [...new Set(secrets.map(toLine))]
    .filter((secret) => secret !== "")
    .sort((a, b) => b.length - a.length);
  const line = toLine(text);
  if (hidden.length === 0) return line;
  const pattern = new RegExp(hidden.map(patternFor).join("|"), "gi");
  return hideTail(line.replaceAll(pattern, HIDDEN), hidden);
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    // It is not UTF-8, so it has no other form.
    return text;
  }
}

function escapeVariously(text: string): string[] {
  const html = text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
  return [
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
    html,
    html.replaceAll('"', "&quot;").replaceAll("'", "&#39;"),
  ];
}

function toLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
}

function patternFor(secret: string): string {
  const escaped = secret.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  return secret.length < SHORT_LENGTH ? `(?<![a-z0-9_])${escaped}(?![a-z0-9_])` : escaped;
}

/** Hides the beginning of a secret at the end of a text that was not read to its end. */
function hideTail(line: string, hidden: readonly string[]): string {
  const lower = line.toLowerCase();
  for (const secret of hidden) {
    const start = secret.toLowerCase();
    const longest = Math.min(start.length - 1, lower.length);
    for (let length = longest; length >= SHORT_LENGTH; length -= 1) {
      if (lower.endsWith(start.slice(0, length))) return `${line.slice(0, -length)}${HIDDEN}`;
    }
  }
  return line;
}
