/** What the functions of the inline store need of the object whose database they write. */
export interface InlineContext {
  sql: SqlStorage;
  /**
   * Requires that somebody still writes the file of `key`: nothing that a killed attempt sends late is
   * stored. Errors: `run-superseded`.
   */
  requireWritable: (key: string) => void;
  /** Requires space for `bytes` more. Errors: `inline-storage-full`, `configuration-invalid`. */
  requireSpace: (bytes: number) => void;
}
