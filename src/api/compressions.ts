import { findFormat } from "./formats.ts";

/** What a compression adds to a file's name and type. */
interface CompressionTraits {
  /** The end of the file's name, with its dot; empty without compression. */
  readonly suffix: string;
  /** The file's type; undefined if the file keeps the type of its text. */
  readonly contentType: string | undefined;
}

/**
 * Every compression. Requests, the command line and the writer take the names from this registry.
 */
export const COMPRESSIONS = {
  none: { suffix: "", contentType: undefined },
  gzip: { suffix: ".gz", contentType: "application/gzip" },
  zstd: { suffix: ".zst", contentType: "application/zstd" },
} as const satisfies Record<string, CompressionTraits>;

type CompressionName = keyof typeof COMPRESSIONS;

/** All compressions, in the order in which messages and help list them. */
export const COMPRESSION_NAMES = Object.keys(COMPRESSIONS) as readonly CompressionName[];

/** Returns the traits of a compression by its name; undefined for a name that this version does not know. */
export function findCompression(name: string): CompressionTraits | undefined {
  return Object.hasOwn(COMPRESSIONS, name) ? COMPRESSIONS[name as CompressionName] : undefined;
}

/**
 * Returns what compresses the files of a format from outside: `none` if the format compresses inside them. A name that
 * this version does not know counts as `none`.
 */
export function findFileCompression(file: {
  format: string;
  compression: string;
}): CompressionName {
  const { format, compression } = file;
  if (findFormat(format)?.compressesInside === true) return "none";
  return findCompression(compression) === undefined ? "none" : (compression as CompressionName);
}
