import { makeTableFormat } from "../table-files.ts";
import { CsvEncoder, formatCsvHeader } from "./csv-encoder.ts";

/** One file per table, with a line that names the columns. */
export const CSV = makeTableFormat({
  suffix: ".csv",
  contentType: "text/csv; charset=utf-8; header=present",
  header: formatCsvHeader,
  createEncoder: (table) => new CsvEncoder(table),
});
