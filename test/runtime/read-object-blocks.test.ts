import { expect, test } from "vitest";

import { MIB } from "../../src/api/limits.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { readObjectBlocks } from "../../src/storage/read-object-blocks.ts";
import type { ByteRange } from "../../src/storage/artifact-store.ts";

const RANGE_BYTES = 8 * MIB;

/** A store of one object, and what is requested of it. */
function storeOf(object: Uint8Array) {
  const asked: number[] = [];
  const cancelled: number[] = [];
  const read = async (_: string, range?: ByteRange): Promise<ReadableStream<Uint8Array>> => {
    const { offset, length } = range as ByteRange;
    asked.push(offset);
    let at = offset;
    return new ReadableStream<Uint8Array>({
      type: "bytes",
      pull: (controller) => {
        const end = Math.min(at + MIB / 2, offset + length);
        if (end > at) controller.enqueue(object.slice(at, end));
        at = end;
        if (at === offset + length) {
          controller.close();
          (controller as ReadableByteStreamController).byobRequest?.respond(0);
        }
      },
      cancel: () => void cancelled.push(offset),
    });
  };
  return { store: { read }, asked, cancelled };
}

const place = (object: Uint8Array) => ({ key: "k", name: "n", bytes: object.byteLength });

test.each([0, 1, RANGE_BYTES, RANGE_BYTES + 1, 2 * RANGE_BYTES + 5])(
  "reads an object of %i bytes, one range ahead",
  async (bytes) => {
    const object = new Uint8Array(bytes).map((_, at) => at % 251);
    const { store, asked } = storeOf(object);
    const blocks: Uint8Array[] = [];
    let first: number[] | undefined;
    for await (const block of readObjectBlocks(store, place(object))) {
      first ??= [...asked];
      blocks.push(block.slice());
    }
    const offsets = Array.from(
      { length: Math.ceil(bytes / RANGE_BYTES) },
      (_, n) => n * RANGE_BYTES,
    );
    expect(asked).toEqual(offsets);
    expect(first ?? []).toEqual(offsets.slice(0, 2));
    expect(Buffer.compare(concatBytes(blocks), object)).toBe(0);
  },
);

test("cancels both ranges if its reader stops early", async () => {
  const object = new Uint8Array(3 * RANGE_BYTES);
  const { store, asked, cancelled } = storeOf(object);
  for await (const _ of readObjectBlocks(store, place(object))) break;
  await expect.poll(() => cancelled.toSorted((a, b) => a - b)).toEqual([0, RANGE_BYTES]);
  expect(asked).toEqual([0, RANGE_BYTES]);
});

test("throws the error of a range when it is needed", async () => {
  const object = new Uint8Array(2 * RANGE_BYTES);
  const { store } = storeOf(object);
  const failing: typeof store = {
    read: async (key, range) => {
      if (range?.offset === RANGE_BYTES) throw new Error("the store is away");
      return store.read(key, range);
    },
  };
  let bytes = 0;
  const reading = async (): Promise<void> => {
    for await (const block of readObjectBlocks(failing, place(object))) bytes += block.byteLength;
  };
  await expect(reading()).rejects.toThrow("the store is away");
  expect(bytes).toBe(RANGE_BYTES);
});
