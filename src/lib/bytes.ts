import { Buffer } from "node:buffer";

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Returns the UTF-8 bytes of `text`. A lone surrogate becomes U+FFFD, as everywhere on the web platform. */
export function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text);
}

/** Returns the text of UTF-8 `bytes`. Throws a TypeError if they are not valid UTF-8. */
export function decodeUtf8(bytes: Uint8Array): string {
  return strictDecoder.decode(bytes);
}

/** Returns the text of UTF-8 `bytes`; undefined if they are not valid UTF-8. */
export function decodeIfUtf8(bytes: Uint8Array): string | undefined {
  try {
    return decodeUtf8(bytes);
  } catch {
    return undefined;
  }
}

/** Returns all of `pieces` in one new array. */
export function concatBytes(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.byteLength;
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.byteLength;
  }
  return whole;
}

/** Returns `bytes` as lower-case hex digits, two for each byte. */
export function toHex(bytes: Uint8Array): string {
  return viewOf(bytes).toString("hex");
}

/** Returns the bytes of hex digits of either case. */
export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(hex, "hex"));
}

/** Returns `bytes` as padded base64 of the standard alphabet. */
export function toBase64(bytes: Uint8Array): string {
  return viewOf(bytes).toString("base64");
}

/** Returns the bytes of base64 text. The text is not checked. */
export function fromBase64(base64: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64, "base64"));
}

/**
 * Returns the same bytes as Node's Buffer, which searches and converts to digits in native code.
 * `Uint8Array.prototype.toHex` would work for digits, but Node 24 does not have it.
 */
export function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
