import { isUtf8 } from "node:buffer";

import { encodeUtf8 } from "../lib/bytes.ts";

/** Text for formats that must be UTF-8. */
export interface ValidText {
  bytes: Uint8Array;
  /** How many U+FFFD characters replace bytes that are not UTF-8. */
  replacements: number;
}

const REPLACEMENT = "\uFFFD";
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/**
 * Returns the same bytes if they are valid UTF-8; otherwise decodes them according to the Encoding
 * Standard.
 */
export function toValidUtf8(bytes: Uint8Array): ValidText {
  if (isUtf8(bytes)) return { bytes, replacements: 0 };
  const text = decoder.decode(bytes);
  return { bytes: encodeUtf8(text), replacements: countIn(text) - countInBytes(bytes) };
}

function countIn(text: string): number {
  return text.split(REPLACEMENT).length - 1;
}

/** Replacement characters that the text already contained. */
function countInBytes(bytes: Uint8Array): number {
  let count = 0;
  for (let at = bytes.indexOf(0xef); at >= 0; at = bytes.indexOf(0xef, at + 1)) {
    if (bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) count += 1;
  }
  return count;
}
