/** One value of one row, read on its own because its row does not fit a page or a statement. */
export type Cell =
  /** NULL, an INTEGER or a REAL as an SQL literal. */
  { type: "plain"; literal: string } | { type: "text" | "blob"; bytes: Uint8Array };
