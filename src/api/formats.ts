/** What code outside `src/formats` may ask of a format. */
export interface FormatTraits {
  /**
   * True if each table is a file of its own, in the order of the tables. A job view and a manifest then
   * name each file's table, and `dump` writes a folder. False: one file holds everything.
   */
  readonly hasFilePerTable: boolean;
  /**
   * True if a dump holds the schema. A request of a format without one cannot ask for `content: "schema"`.
   */
  readonly hasSchema: boolean;
  /** True if a dump is a script that SQLite runs. Only such a dump can be restored to verify it. */
  readonly isSqlScript: boolean;
}

const ROWS_BY_TABLE: FormatTraits = {
  hasFilePerTable: true,
  hasSchema: false,
  isSqlScript: false,
};

/**
 * Every format and its traits: the registry that requests, the command line and `DUMP_FORMATS` take the names
 * from. A format is in job rows and manifests, so a name never changes.
 */
export const FORMATS = {
  sql: { hasFilePerTable: false, hasSchema: true, isSqlScript: true },
  csv: ROWS_BY_TABLE,
  json: ROWS_BY_TABLE,
  ndjson: ROWS_BY_TABLE,
} as const satisfies Record<string, FormatTraits>;

type FormatName = keyof typeof FORMATS;

/** All formats, in the order in which messages and help list them. */
export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[];

/** The format of a request that names none. */
export const FORMAT_DEFAULT: FormatName = "sql";

/** Returns the traits of a format by its name; undefined for a name that this version does not know. */
export function findFormat(name: string): FormatTraits | undefined {
  return Object.hasOwn(FORMATS, name) ? FORMATS[name as FormatName] : undefined;
}
