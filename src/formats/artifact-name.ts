import { encodeUtf8 } from "../lib/bytes.ts";

/**
 * The most characters of an escaped name: with a suffix, well under the 255 bytes that file systems
 * allow.
 */
const NAME_CHARS_MAX = 100;

/**
 * Characters that need no escape: a file's name must be valid in a ZIP, in a URL and on every
 * system.
 */
const PLAIN = /^[A-Za-z0-9_-]$/;

/** The manifest is in the same folder as the files. */
const RESERVED = ["manifest"];

/**
 * Names that Windows treats as devices, with or without an extension:
 * https://learn.microsoft.com/windows/win32/fileio/naming-a-file.
 */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/**
 * Returns file names for tables, without suffix, in the tables' order. Everything except ASCII
 * letters, digits, `_`, `-` and inner dots is percent-encoded as UTF-8, and so is the first letter
 * of a name that Windows treats as a device. A name that is too long is cut. If another table
 * already has the same name in any case, `~2`, `~3`, … is appended.
 */
export function nameArtifacts(tables: readonly string[]): string[] {
  const taken = new Set(RESERVED);
  return tables.map((table) => {
    const escaped = escapeName(table);
    let name = escaped;
    for (let number = 2; taken.has(name.toLowerCase()); number += 1) name = `${escaped}~${number}`;
    taken.add(name.toLowerCase());
    return name;
  });
}

function escapeName(table: string): string {
  let name = "";
  const isDevice = DEVICE.test(table);
  for (const char of table) {
    const isFirst = name === "";
    const isPlain = isFirst ? PLAIN.test(char) && !isDevice : PLAIN.test(char) || char === ".";
    const escaped = isPlain ? char : escapeChar(char);
    if (name.length + escaped.length > NAME_CHARS_MAX) return `${name}~`;
    name += escaped;
  }
  // An empty name is valid, and a name must not end in a dot.
  return name === "" || name.endsWith(".") ? `${name}~` : name;
}

function escapeChar(char: string): string {
  return Array.from(
    encodeUtf8(char),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
