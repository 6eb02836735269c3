import type { ByteRange } from "../../storage/artifact-store.ts";

/**
 * Returns the range that a `Range` header requests from `size` bytes (RFC 9110, 14.2). It is
 * `whole` if there is no header, or one that a server may ignore: malformed, in another unit, or
 * with several ranges. It is `unsatisfiable` if the range starts after the end.
 */
export function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | "whole" | "unsatisfiable" {
  const match = /^bytes=(?:(\d+)-(\d*)|-(\d+))$/i.exec(header?.trim() ?? "");
  if (match === null) return "whole";
  const [, first, last, suffix] = match;
  if (suffix !== undefined) {
    const length = Math.min(Number(suffix), size);
    return length === 0 ? "unsatisfiable" : { offset: size - length, length };
  }
  const offset = Number(first);
  const end = last === "" || last === undefined ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== "" && last !== undefined && Number(last) < offset) return "whole";
  return offset >= size ? "unsatisfiable" : { offset, length: end - offset + 1 };
}
