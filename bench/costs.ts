import {
  CHUNK_BYTES_DEFAULT,
  CHUNK_GROWTH_DIVISOR,
  MIB,
  PAGE_BYTES,
  PART_BYTES_DEFAULT,
} from "../src/api/limits.ts";

/**
 * Cloudflare's prices beyond what a plan includes, in dollars, July 2026, the same for Durable
 * Objects' rows and D1's: https://developers.cloudflare.com/durable-objects/platform/pricing/,
 * https://developers.cloudflare.com/d1/platform/pricing/,
 * https://developers.cloudflare.com/workflows/reference/pricing/,
 * https://developers.cloudflare.com/r2/pricing/.
 */
export const DOLLARS = {
  rowRead: 0.001 / 1e6,
  rowWritten: 1 / 1e6,
  step: 0.8 / 1e5,
  r2ClassA: 4.5 / 1e6,
  r2ClassB: 0.36 / 1e6,
  r2GbMonth: 0.015,
};

/** How many rows an export uses, rounded up from what the runtime counted (November 2026). */
export const ROWS = {
  /** Read for each exported row of a table that nobody writes during the export. */
  readARow: 1,
  /** The same after the undo log of its table has a row: live rows and saved ones are united. */
  readAWrittenRow: 3,
  /** Also read by each page, to check that the snapshot is intact. */
  readAPage: 10,
  /**
   * The same three for a table whose key has several columns: the last key of a page is looked up in
   * the index.
   */
  readAKeyedRow: 2,
  readAWrittenKeyedRow: 5,
  readAKeyedPage: 20,
  /** Written and read by the first change of a row, in addition to the change itself. */
  writtenAChange: 2,
  readAChange: 19,
  /**
   * Written by opening a snapshot: for the database, and for each watched table with an integer
   * key.
   */
  writtenToOpen: 12,
  writtenToWatch: 6,
  /** Written by `ExportJobs`, for a job and for each of its chunks. */
  writtenAJob: 24,
  writtenAChunk: 12,
};

/** R2 reads this much at once when a file is verified. */
const READ_BACK_BYTES = 8 * MIB;

export interface ExportSize {
  /** Of SQL text, which is about the size of the database's rows. */
  bytes: number;
  rows: number;
  tables: number;
  /** Rows that writers change for the first time before the export has read them. */
  changedRows: number;
  chunkBytes?: number;
  partBytes?: number;
}

export interface ExportCost {
  rowsRead: number;
  rowsWritten: number;
  chunks: number;
  steps: number;
  r2ClassAOperations: number;
  r2ClassBOperations: number;
  dollars: number;
}

/**
 * Returns what an uncompressed SQL export of one snapshot costs, from its first step to its
 * manifest.
 */
export function costOfExport(size: ExportSize): ExportCost {
  const { bytes, rows, tables, changedRows, partBytes = PART_BYTES_DEFAULT } = size;
  const chunks = countChunks(size);
  const pages = Math.ceil(bytes / PAGE_BYTES);
  const cost = {
    rowsRead:
      rows * (changedRows === 0 ? ROWS.readARow : ROWS.readAWrittenRow) +
      pages * ROWS.readAPage +
      changedRows * ROWS.readAChange,
    rowsWritten:
      ROWS.writtenToOpen +
      tables * ROWS.writtenToWatch +
      changedRows * ROWS.writtenAChange +
      ROWS.writtenAJob +
      chunks * ROWS.writtenAChunk,
    chunks,
    // To open the snapshot and the upload, to complete it, to verify, to publish the manifest.
    steps: chunks + 5,
    // The parts, the start and end of the upload, the manifest.
    r2ClassAOperations: Math.ceil(bytes / partBytes) + 3,
    r2ClassBOperations: Math.ceil(bytes / READ_BACK_BYTES) + 1,
  };
  const dollars =
    cost.rowsRead * DOLLARS.rowRead +
    cost.rowsWritten * DOLLARS.rowWritten +
    cost.steps * DOLLARS.step +
    cost.r2ClassAOperations * DOLLARS.r2ClassA +
    cost.r2ClassBOperations * DOLLARS.r2ClassB;
  return { ...cost, dollars };
}

/** The first chunk ends at the first full part; later ones grow with the work done. */
function countChunks(size: ExportSize): number {
  const { bytes, chunkBytes = CHUNK_BYTES_DEFAULT, partBytes = PART_BYTES_DEFAULT } = size;
  let done = 0;
  let chunks = 0;
  while (done < bytes) {
    const length = Math.max(chunkBytes, Math.ceil(done / CHUNK_GROWTH_DIVISOR));
    done += chunks === 0 ? Math.min(partBytes, length) : length;
    chunks += 1;
  }
  return chunks;
}
