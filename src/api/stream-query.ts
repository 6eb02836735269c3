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
import { MasksSchema } from "./masks.ts";
import { ObjectIdSchema, ObjectNameSchema } from "./source-config.ts";

/** A parameter that may occur several times in a query. */
const TablePatterns = v.optional(v.pipe(v.array(TablePattern), v.maxLength(1_000)));

const database = {
  source: RequestedSourceSchema,
  /**
   * Which object of the source's class, if the source lets requests choose; at most one of the two.
   */
  name: v.optional(ObjectNameSchema),
  id: v.optional(ObjectIdSchema),
  compression: v.optional(CompressionSchema, "none"),
  /** `snapshot` exports one instant; the default depends on the source. */
  consistency: v.optional(ConsistencySchema),
  /** What replaces the values of columns: the JSON text of the field of `POST`. */
  mask: v.optional(v.pipe(v.string(), v.parseJson(), MasksSchema)),
};

/**
 * The query of `GET /export/dump`: the fields of `POST`, with one parameter per pattern of
 * `tables`.
 */
export const DumpStreamQuerySchema = v.strictObject({
  ...database,
  format: v.optional(ExportFormatSchema, FORMAT_DEFAULT),
  content: v.optional(DumpContentSchema, "all"),
  include: TablePatterns,
  exclude: TablePatterns,
});

/** The query of `GET /export/dump` as it is sent: every field is optional. */
export type StreamRequestInput = v.InferInput<typeof DumpStreamQuerySchema>;

/** The query of `GET /export/csv/:table` and `GET /export/json/:table`. */
export const TableStreamQuerySchema = v.strictObject(database);

/** What is streamed: a dump, or the rows of one table. */
export type StreamRequest = Omit<ExportRequest, "source" | "callbackUrl" | "retentionHours"> & {
  source: string;
  /** The exact name, except for the case of ASCII letters; if it is set, `tables` has no effect. */
  table?: string;
};
