import { makeTableFormat } from "../table-files.ts";
import { CsvEncoder, csvHeader } from "./csv-encoder.ts";

/** A file a table with a line that names the columns. */
export const CSV = makeTableFormat({
  suffix: ".csv",
  contentType: "text/csv; charset=utf-8; header=present",
  header: csvHeader,
  encoderOf: (table) => new CsvEncoder(table),
});
