/** Compiled by `tsc` with everything else: what a request may leave out, and what a parsed one has. */
import { expectTypeOf } from "vitest";

import type { ExportRequest, ExportRequestInput } from "./export-request.ts";

expectTypeOf<ExportRequestInput>().toEqualTypeOf<Partial<ExportRequestInput>>();
expectTypeOf<{ source: "shop"; format: "csv" }>().toExtend<ExportRequestInput>();
expectTypeOf<{ format: "xml" }>().not.toExtend<ExportRequestInput>();
expectTypeOf<{ retentionHours: "168" }>().not.toExtend<ExportRequestInput>();
expectTypeOf<keyof ExportRequestInput>().toEqualTypeOf<keyof ExportRequest>();

expectTypeOf<ExportRequestInput>().not.toExtend<ExportRequest>();
expectTypeOf<ExportRequest>().toExtend<ExportRequestInput>();
expectTypeOf<ExportRequest["format"]>().toEqualTypeOf<
  "sql" | "csv" | "json" | "ndjson" | "parquet"
>();
