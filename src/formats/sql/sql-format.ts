import type { DumpFormat } from "../dump-format.ts";
import { SqlEncoder } from "./sql-encoder.ts";
import { planSqlDump } from "./sql-plan.ts";

/** One script that recreates the database. */
export const SQL: DumpFormat = {
  plan: planSqlDump,
  createEncoder: (table, state, { stage } = {}) => new SqlEncoder(table, state, stage),
};
