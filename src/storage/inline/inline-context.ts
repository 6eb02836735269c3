/** What the functions of the inline store need from the object whose database they write. */
export interface InlineContext {
  sql: SqlStorage;
  /**
   * Requires that a job still writes the file of `key`, so that late data from a killed attempt is
   * never stored. Errors: `run-superseded`.
   */
  requireWritable: (key: string) => void;
  /** Requires space for `bytes` more in the database. Errors: `inline-storage-full`, `configuration-invalid`. */
  requireSpace: (bytes: number) => void;
}
