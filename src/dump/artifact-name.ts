import { encodeUtf8 } from "../lib/bytes.ts";

/** Characters of an escaped name: with a suffix, well under the 255 bytes that file systems allow. */
const NAME_CHARS_MAX = 100;

/** What stands for itself: a file's name must be one in a ZIP, in a URL and on every system. */
const PLAIN = /^[A-Za-z0-9_-]$/;

/** The manifest stands beside the files. */
const RESERVED = ["manifest"];

/**
 * File names made of table names, without suffix, in their order. Everything but ASCII letters,
 * digits, `_`, `-` and inner dots is percent-encoded as UTF-8; a name that is too long is cut; one
 * that another has already, whatever its case, has `~2`, `~3`, … behind it.
 */
export function artifactNames(tables: readonly string[]): string[] {
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
  for (const char of table) {
    const isPlain = PLAIN.test(char) || (char === "." && name !== "");
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
