import { makeTableFormat } from "../table-files.ts";
import { JSON_ARRAY, JSON_LINES, JsonEncoder } from "./json-encoder.ts";

/** One file per table, each containing one array of objects. */
export const JSON_TEXT = makeTableFormat({
  suffix: ".json",
  contentType: "application/json",
  createEncoder: (table, state) => new JsonEncoder(table, state, JSON_ARRAY),
});

/** One file per table, with each row as an object on its own line. */
export const NDJSON = makeTableFormat({
  suffix: ".ndjson",
  contentType: "application/x-ndjson",
  createEncoder: (table, state) => new JsonEncoder(table, state, JSON_LINES),
});
