/** A server-sent event with data. */
export interface ServerSentEvent {
  /** `message` if the stream names none. */
  type: string;
  /** The last id that the stream has sent; empty if there is none. */
  id: string;
  data: string;
}

/**
 * Reads the events of `body` as the HTML standard parses them (section 9.2.6): comments and events without data
 * are skipped, and so is an event that the stream's end cuts off. Errors: those of the body. The body is
 * cancelled if the reader stops early.
 */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void, void> {
  let id = "";
  let type = "";
  let data: string[] = [];
  for await (const line of readLines(body)) {
    if (line === "") {
      if (data.length > 0) yield { type: type || "message", id, data: data.join("\n") };
      type = "";
      data = [];
      continue;
    }
    const [, field, value = ""] = /^([^:]*)(?:: ?([^]*))?$/.exec(line) ?? [];
    if (field === "data") data.push(value);
    else if (field === "event") type = value;
    else if (field === "id" && !value.includes("\0")) id = value;
  }
}

/** Lines end with CR, LF or both. A last line without an end is dropped. */
async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      // A CR at the end may be half of a line's end, unless nothing follows.
      const lines = text.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? "";
      yield* lines;
      if (done) return;
    }
  } finally {
    // Safari cannot iterate a stream, so that nothing else ends the request of a reader who leaves.
    await reader.cancel().catch(() => undefined);
  }
}
