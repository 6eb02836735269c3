import type { DumpPlan } from "../formats/plan.ts";
import type { TableEncoderOf } from "../formats/table-encoder.ts";
import { concatBytes } from "../lib/bytes.ts";
import { CURSOR_START } from "../rpc/cursor.ts";
import { readDump } from "../reading/dump-reader.ts";
import { readUnchangedCatalog, requireUnchangedSchema } from "../reading/read-catalog.ts";
import { committedPosition } from "../reading/snapshot/committed-position.ts";
import type { SnapshotReader } from "../reading/snapshot/snapshot-reader.ts";
import type { Source } from "../databases/source.ts";
import { liveReader } from "../reading/table-reader.ts";

/** What a stream reads. */
export interface StreamReading {
  source: Source;
  /** Undefined where rows are read as they are. */
  snapshot: SnapshotReader | undefined;
  plan: DumpPlan;
  encoderOf: TableEncoderOf;
  catalogDigest: string;
  /** What is read between two looks whether the instant is still whole. */
  chunkBytes: number;
}

/**
 * The text of a plan's one artifact, a page at a time as it is asked for. The last of it comes only once
 * the instant has been seen whole to the end.
 *
 * Errors: `schema-changed`, `snapshot-lost`, `undo-too-large`, and those of `readDump`.
 */
export async function* readStream(
  reading: StreamReading,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { source, snapshot, plan, encoderOf, catalogDigest, chunkBytes } = reading;
  const reader = snapshot ?? liveReader(source);
  let finished: ReadonlySet<string> = new Set();
  let checkpoint = 0;
  let bytes = 0;
  const { schema } = await readUnchangedCatalog(source, catalogDigest);
  const requireWhole = async (): Promise<void> => {
    await requireUnchangedSchema(source, schema);
    await snapshot?.requireIntact(finished);
  };
  for await (const piece of readDump({ reader, plan, encoderOf, cursor: CURSOR_START })) {
    const text = concatBytes(piece.bytes);
    piece.release();
    if (piece.ends) await requireWhole();
    yield text;
    bytes += text.byteLength;
    if (piece.ends || bytes < chunkBytes) continue;
    await requireWhole();
    bytes = 0;
    checkpoint += 1;
    // What has been read is never read again: its rows need not be kept any more.
    const position = committedPosition(plan, piece.cursor, checkpoint);
    await snapshot?.advance(position);
    ({ finished } = position);
  }
}
