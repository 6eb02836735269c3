/** The facts about a format that code outside `src/formats` may use. */
export interface FormatTraits {
  /**
   * True if each table is its own file, in the order of the tables. Job views and manifests then
   * name each file's table, and `dump` writes a folder. False if one file contains everything.
   */
  readonly hasFilePerTable: boolean;
  /**
   * True if a dump contains the schema. A request for a format without one cannot ask for `content:
   * "schema"`.
   */
  readonly hasSchema: boolean;
  /** True if a dump is a script that SQLite runs. Only such a dump can be restored to verify it. */
  readonly isSqlScript: boolean;
  /** True if `compression` compresses inside the files, whose names and types then do not show it. */
  readonly compressesInside: boolean;
}

const ROWS_BY_TABLE: FormatTraits = {
  hasFilePerTable: true,
  hasSchema: false,
  isSqlScript: false,
  compressesInside: false,
};

/**
 * Every format and its traits. Requests, the command line and `DUMP_FORMATS` take the names from
 * this registry. Job rows and manifests store the format, so a name never changes.
 */
export const FORMATS = {
  sql: { hasFilePerTable: false, hasSchema: true, isSqlScript: true, compressesInside: false },
  csv: ROWS_BY_TABLE,
  json: ROWS_BY_TABLE,
  ndjson: ROWS_BY_TABLE,
  parquet: { ...ROWS_BY_TABLE, compressesInside: true },
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
