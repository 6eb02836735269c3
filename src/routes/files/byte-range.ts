import type { ByteRange } from "../../storage/artifact-store.ts";

/**
 * What a `Range` header asks for of `size` bytes (RFC 9110, 14.2): the whole where there is none, it
 * is of another unit, malformed, or has several ranges, which a server may ignore; `unsatisfiable`
 * where it starts behind the end.
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
