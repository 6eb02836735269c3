import { expect, test } from "vitest";

import { concatBytes } from "../../src/lib/bytes.ts";
import { readBlocks } from "../../src/lib/read-blocks.ts";

function streamOf(bytes: Uint8Array): ReadableStream<Uint8Array> {
  const { readable, writable } = new FixedLengthStream(bytes.byteLength);
  const writer = writable.getWriter();
  void writer.write(bytes).then(() => writer.close());
  return readable;
}

test("cancels the stream where its reader stops early", async () => {
  const cancelled = Promise.withResolvers<void>();
  const stream = new ReadableStream<Uint8Array>({
    type: "bytes",
    pull: (controller) => controller.enqueue(new Uint8Array(100)),
    cancel: () => cancelled.resolve(),
  });
  for await (const block of readBlocks(stream, 100)) {
    expect(block.byteLength).toBe(100);
    break;
  }
  await cancelled.promise;
});

test.each([0, 1, 99, 100, 101, 250])(
  "gives all of a stream of %i bytes in blocks of 100, the last one shorter",
  async (length) => {
    const bytes = crypto.getRandomValues(new Uint8Array(length));
    const blocks: Uint8Array[] = [];
    for await (const block of readBlocks(streamOf(bytes), 100)) blocks.push(block.slice());
    expect(blocks.slice(0, -1).every((block) => block.byteLength === 100)).toBe(true);
    expect(concatBytes(blocks)).toEqual(bytes);
  },
);

test("keeps earlier blocks unchanged if the caller says that it keeps them", async () => {
  const bytes = crypto.getRandomValues(new Uint8Array(250));
  const blocks: Uint8Array[] = [];
  for await (const block of readBlocks(streamOf(bytes), 100, { keepsBlocks: true }))
    blocks.push(block);
  expect(concatBytes(blocks)).toEqual(bytes);
});
