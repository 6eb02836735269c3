import { makeTableFormat } from "../table-files.ts";
import { MAGIC } from "./footer.ts";
import { ParquetEncoder } from "./parquet-encoder.ts";

/** One file per table, in groups of rows. `compression` compresses the columns in it, and not the file. */
export const PARQUET = makeTableFormat({
  suffix: ".parquet",
  contentType: "application/vnd.apache.parquet",
  header: () => MAGIC,
  createEncoder: (table, state, { compression } = {}) =>
    new ParquetEncoder(table, state, { compression }),
});
