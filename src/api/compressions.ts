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
