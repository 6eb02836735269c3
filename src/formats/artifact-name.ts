import { encodeUtf8 } from "../lib/bytes.ts";

/** Characters of an escaped name: with a suffix, well under the 255 bytes that file systems allow. */
const NAME_CHARS_MAX = 100;

/** What stands for itself: a file's name must be one in a ZIP, in a URL and on every system. */
const PLAIN = /^[A-Za-z0-9_-]$/;

/** The manifest stands beside the files. */
const RESERVED = ["manifest"];

/** What Windows takes for a device, whatever stands after a dot: https://learn.microsoft.com/windows/win32/fileio/naming-a-file. */
const DEVICE = /^(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)/i;

/**
 * File names made of table names, without suffix, in their order. Everything but ASCII letters,
 * digits, `_`, `-` and inner dots is percent-encoded as UTF-8, and so is the first letter of a name
 * that Windows takes for a device; a name that is too long is cut; one
 * that another has already, whatever its case, has `~2`, `~3`, … behind it.
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
  // An empty name is a legal one, and a name must not end in a dot.
  return name === "" || name.endsWith(".") ? `${name}~` : name;
}

function escapeChar(char: string): string {
  return Array.from(
    encodeUtf8(char),
    (byte) => `%${byte.toString(16).toUpperCase().padStart(2, "0")}`,
  ).join("");
}
