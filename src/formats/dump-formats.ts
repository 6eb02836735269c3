import type { Table } from "../sqlite/catalog.ts";
import type { ExportFormat } from "../api/export-request.ts";
import { CsvEncoder, csvHeader } from "./csv/csv-encoder.ts";
import { JSON_ARRAY, JSON_LINES, JsonEncoder } from "./json/json-encoder.ts";
import type { DumpPlan, PlanRequest } from "./plan.ts";
import { SqlEncoder } from "./sql/sql-encoder.ts";
import { planSqlDump } from "./sql/sql-plan.ts";
import { planTableFiles } from "./table-files.ts";
import type { TableEncoder } from "./table-encoder.ts";

/** How a format is planned and written. */
export interface DumpFormat {
  plan: (request: PlanRequest) => DumpPlan;
  /** `stage` is a table name that the database does not use, for formats that need one. */
  encoderOf: (table: Table, state: number, stage?: string) => TableEncoder;
}

export const DUMP_FORMATS: Record<ExportFormat, DumpFormat> = {
  sql: {
    plan: planSqlDump,
    encoderOf: (table, state, stage) => new SqlEncoder(table, state, stage),
  },
  csv: tableFiles({
    suffix: ".csv",
    contentType: "text/csv; charset=utf-8; header=present",
    header: csvHeader,
    encoderOf: (table) => new CsvEncoder(table),
  }),
  json: tableFiles({
    suffix: ".json",
    contentType: "application/json",
    encoderOf: (table, state) => new JsonEncoder(table, state, JSON_ARRAY),
  }),
  ndjson: tableFiles({
    suffix: ".ndjson",
    contentType: "application/x-ndjson",
    encoderOf: (table, state) => new JsonEncoder(table, state, JSON_LINES),
  }),
};

function tableFiles(format: {
  suffix: string;
  contentType: string;
  header?: (table: Table) => string;
  encoderOf: (table: Table, state: number) => TableEncoder;
}): DumpFormat {
  const { encoderOf, header = () => "", ...named } = format;
  return { plan: ({ catalog }) => planTableFiles(catalog, { ...named, header }), encoderOf };
}
