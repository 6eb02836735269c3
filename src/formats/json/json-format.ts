import { makeTableFormat } from "../table-files.ts";
import { JSON_ARRAY, JSON_LINES, JsonEncoder } from "./json-encoder.ts";

/** A file a table, each one array of objects. */
export const JSON_TEXT = makeTableFormat({
  suffix: ".json",
  contentType: "application/json",
  createEncoder: (table, state) => new JsonEncoder(table, state, JSON_ARRAY),
});

/** A file a table, each row an object on a line of its own. */
export const NDJSON = makeTableFormat({
  suffix: ".ndjson",
  contentType: "application/x-ndjson",
  createEncoder: (table, state) => new JsonEncoder(table, state, JSON_LINES),
});
