import { expect, test } from "vitest";

import { readServerSentEvents, type ServerSentEvent } from "./server-sent-events.ts";

const STREAM =
  ': hello\r\nretry: 2000\r\n\r\nevent: progress\r\nid: 1\r\ndata: {"a":1}\r\n\r\n' +
  "data:two\ndata: lines ü\n\nevent: no-data\n\nid: 2\rdata\r\rid: x\0\ndata: : colon\n\ndata: cut off\n";

const EVENTS: ServerSentEvent[] = [
  { type: "progress", id: "1", data: '{"a":1}' },
  { type: "message", id: "1", data: "two\nlines ü" },
  { type: "message", id: "2", data: "" },
  { type: "message", id: "2", data: ": colon" },
];

/** The bytes of `text` in pieces of `length`. */
function streamOf(text: string, length: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let at = 0;
  return new ReadableStream({
    pull: (controller) => {
      if (at >= bytes.length) controller.close();
      else controller.enqueue(bytes.subarray(at, at + length));
      at += length;
    },
  });
}

async function collect(body: ReadableStream<Uint8Array>): Promise<ServerSentEvent[]> {
  const events: ServerSentEvent[] = [];
  for await (const event of readServerSentEvents(body)) events.push(event);
  return events;
}

test.each([1, 2, 3, 7, 1_000])("reads the same events in pieces of %i bytes", async (length) => {
  expect(await collect(streamOf(STREAM, length))).toEqual(EVENTS);
});

test("reads no event from an empty stream", async () => {
  expect(await collect(streamOf("", 1))).toEqual([]);
});

test("cancels the stream when the reader leaves", async () => {
  let isCancelled = false;
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(new TextEncoder().encode("data: x\n\n")),
    cancel: () => {
      isCancelled = true;
    },
  });
  for await (const { data } of readServerSentEvents(body)) {
    expect(data).toBe("x");
    break;
  }
  expect(isCancelled).toBe(true);
});
