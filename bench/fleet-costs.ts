import { MIB, PART_BYTES_DEFAULT } from "../src/api/limits.ts";
import { DOLLARS } from "./costs.ts";

/** How many rows a fleet uses, rounded up from what the runtime counted (November 2026); a test counts again. */
export const FLEET_ROWS = {
  /** Written by `ExportJobs`, for a fleet and for each of its batches. */
  writtenAFleet: 24,
  writtenABatch: 12,
  /** Read from a tenant with two tables and an index, and for each of its rows. */
  readATenant: 80,
  readARow: 2,
};

/** When a batch ends, apart from the time that it takes. */
const BATCH_MEMBERS = 1_000;
const PACK_BYTES = 64 * MIB;

/** R2 reads this much at once when a pack is verified. */
const READ_BACK_BYTES = 8 * MIB;

/** The databases of a fleet. */
export interface FleetSize {
  tenants: number;
  /** Of each tenant's file, as it is packed. */
  bytes: number;
  /** Of each tenant. */
  rows: number;
}

/** Returns what a fleet of small tenants costs, from its first step to its manifest. */
export function costOfFleet({ tenants, bytes, rows }: FleetSize) {
  const members = Math.min(BATCH_MEMBERS, Math.ceil(PACK_BYTES / bytes));
  const batches = Math.ceil(tenants / members);
  const packBytes = (tenants * bytes) / batches;
  // The parts, and the start and end of the upload; or one.
  const packWrites =
    packBytes < PART_BYTES_DEFAULT ? 1 : Math.ceil(packBytes / PART_BYTES_DEFAULT) + 2;
  const cost = {
    rowsRead: tenants * (FLEET_ROWS.readATenant + rows * FLEET_ROWS.readARow),
    rowsWritten: FLEET_ROWS.writtenAFleet + batches * FLEET_ROWS.writtenABatch,
    // To list the members, to look for large ones, to publish the manifest.
    steps: batches + 3,
    // Each pack with its index; the list and the manifest.
    r2ClassAOperations: batches * (packWrites + 1) + 2,
    // Each batch reads the list, and looks at its pack before it reads it back.
    r2ClassBOperations: batches * (2 + Math.ceil(packBytes / READ_BACK_BYTES)),
  };
  const dollars =
    cost.rowsRead * DOLLARS.rowRead +
    cost.rowsWritten * DOLLARS.rowWritten +
    cost.steps * DOLLARS.step +
    cost.r2ClassAOperations * DOLLARS.r2ClassA +
    cost.r2ClassBOperations * DOLLARS.r2ClassB;
  return { ...cost, dollars };
}
