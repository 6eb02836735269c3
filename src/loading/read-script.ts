import { ExportError } from "../api/errors.ts";
import { MIB } from "../api/limits.ts";
import { readBlocks } from "../lib/read-blocks.ts";
import type { ScriptFrame, ScriptRecord } from "../rpc/load-plan.ts";
import { inflate } from "./inflate.ts";

/** How many bytes of the file one request reads, because a store may send faster than a script loads. */
const READ_BYTES = 8 * MIB;

/**
 * Bytes of the file that are passed on at once. Reading the pieces as they arrive, 4 KiB each, took more CPU time
 * than splitting them (November 2026).
 */
const BLOCK_BYTES = MIB / 4;

/** Reads a range of the stored file; undefined if the file is gone. */
export type ReadRange = (range: {
  offset: number;
  length: number;
}) => Promise<ReadableStream<Uint8Array> | undefined>;

/** What the reader must know about a script. */
export type ScriptFile = Pick<ScriptRecord, "bytes" | "compression" | "frames">;

/**
 * Reads a script's text, starting at byte `from` of the text. In a compressed file, it starts at the last known
 * frame before that byte and discards the text before it. Calls `onRead` with the file's bytes, in order. Errors:
 * `script-invalid`, `script-changed`, the store's own.
 */
export async function* readScript(
  read: ReadRange,
  file: ScriptFile,
  { from, onRead = () => {} }: { from: number; onRead?: (block: Uint8Array) => void },
): AsyncGenerator<Uint8Array, void, undefined> {
  const start = findStart(file, from);
  let discard = from - start.textBytes;
  const blocks = readFile(read, file, { from: start.bytes, onRead });
  for await (const text of inflate(blocks, file.compression)) {
    if (discard >= text.length) {
      discard -= text.length;
    } else {
      // The splitter keeps a view of the bytes that it gets, and a decoder may reuse their memory.
      yield discard > 0 ? text.subarray(discard) : text;
      discard = 0;
    }
  }
}

function findStart({ compression, frames }: ScriptFile, from: number): ScriptFrame {
  if (compression === "none") return { bytes: from, textBytes: from };
  const start = { bytes: 0, textBytes: 0 };
  for (const frame of frames ?? []) {
    if (start.textBytes + frame.textBytes > from) break;
    start.bytes += frame.bytes;
    start.textBytes += frame.textBytes;
  }
  return start;
}

async function* readFile(
  read: ReadRange,
  { bytes }: ScriptFile,
  { from, onRead }: { from: number; onRead: (block: Uint8Array) => void },
): AsyncGenerator<Uint8Array, void, undefined> {
  for (let offset = from; offset < bytes; offset += READ_BYTES) {
    const length = Math.min(READ_BYTES, bytes - offset);
    const body = await read({ offset, length });
    if (body === undefined)
      throw new ExportError("script-changed", "the script is no longer stored");
    let received = 0;
    for await (const block of readBlocks(body, BLOCK_BYTES, { keepsBlocks: true })) {
      received += block.length;
      onRead(block);
      yield block;
    }
    if (received !== length) {
      throw new ExportError("storage-unavailable", `the store sent ${received} of ${length} bytes`);
    }
  }
}
