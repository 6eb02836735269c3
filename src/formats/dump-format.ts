import type { Compression } from "../api/export-request.ts";
import type { EncoderState } from "../rpc/cursor.ts";
import type { Table } from "../sqlite/catalog.ts";
import type { DumpPlan, PlanRequest } from "./plan.ts";
import type { TableEncoder } from "./table-encoder.ts";

/** How a format is planned and written. */
export interface DumpFormat {
  /** The same for the same request, regardless of what the tables contain. */
  plan: (request: PlanRequest) => DumpPlan;
  /**
   * Makes the encoder that continues at `state`. `stage` is a table name that the database does not use, for
   * formats that need one. `compression` is for formats that compress inside their files.
   */
  createEncoder: (
    table: Table,
    state: EncoderState,
    options?: { stage?: string; compression?: Compression },
  ) => TableEncoder;
}
