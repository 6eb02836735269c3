import type { ExportFormat } from "../api/export-request.ts";
import { CSV } from "./csv/csv-format.ts";
import type { DumpFormat } from "./dump-format.ts";
import { JSON_TEXT, NDJSON } from "./json/json-format.ts";
import { PARQUET } from "./parquet/parquet-format.ts";
import { SQL } from "./sql/sql-format.ts";

/** Every format by its name in a request. */
export const DUMP_FORMATS: Record<ExportFormat, DumpFormat> = {
  sql: SQL,
  csv: CSV,
  json: JSON_TEXT,
  ndjson: NDJSON,
  parquet: PARQUET,
};
