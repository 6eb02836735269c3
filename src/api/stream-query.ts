import * as v from "valibot";

import {
  CompressionSchema,
  ConsistencySchema,
  DumpContentSchema,
  ExportFormatSchema,
  type ExportRequest,
  RequestedSourceSchema,
  TablePattern,
} from "./export-request.ts";
import { FORMAT_DEFAULT } from "./formats.ts";
import { ObjectIdSchema, ObjectNameSchema } from "./source-config.ts";

/** A parameter that may stand in a query several times. */
const TablePatterns = v.optional(v.pipe(v.array(TablePattern), v.maxLength(1_000)));

const database = {
  source: RequestedSourceSchema,
  /** Which object of the source's class, where it allows to say; at most one of the two. */
  name: v.optional(ObjectNameSchema),
  id: v.optional(ObjectIdSchema),
  compression: v.optional(CompressionSchema, "none"),
  /** `snapshot` is one instant; the default depends on the source. */
  consistency: v.optional(ConsistencySchema),
};

/** The query of `GET /export/dump`: the fields of `POST`, with the patterns of `tables` one by one. */
export const DumpStreamQuerySchema = v.strictObject({
  ...database,
  format: v.optional(ExportFormatSchema, FORMAT_DEFAULT),
  content: v.optional(DumpContentSchema, "all"),
  include: TablePatterns,
  exclude: TablePatterns,
});

/** The query of `GET /export/csv/:table` and `GET /export/json/:table`. */
export const TableStreamQuerySchema = v.strictObject(database);

/** What is streamed: a dump, or the rows of one table. */
export type StreamRequest = Omit<ExportRequest, "source" | "callbackUrl" | "retentionHours"> & {
  source: string;
  /** Exact, but for the case of ASCII letters; with it `tables` means nothing. */
  table?: string;
};
