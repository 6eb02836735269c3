/**
 * One value of one row, read separately because its row does not fit into a page or a statement.
 */
export type Cell =
  /** NULL, an INTEGER or a REAL as an SQL literal. */
  { type: "plain"; literal: string } | { type: "text" | "blob"; bytes: Uint8Array };
