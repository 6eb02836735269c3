/** A server-sent event with data. */
export interface ServerSentEvent {
  /** `message` if the stream specifies no type. */
  type: string;
  /** The last id that the stream has sent; empty if there is none. */
  id: string;
  data: string;
}

/**
 * Reads the events of `body` as the HTML standard specifies (section 9.2.6). It skips comments, events without
 * data, and an event that is cut off by the end of the stream. Errors: those of the body. If the reader stops
 * early, the body is cancelled.
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

/** Lines end with CR, LF or both. An unfinished last line is dropped. */
async function* readLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void, void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      text += decoder.decode(value, { stream: !done });
      // A final CR may be the first half of a line end, unless nothing follows.
      const lines = text.split(done ? /\r\n|\n|\r/ : /\r\n|\n|\r(?!$)/);
      text = lines.pop() ?? "";
      yield* lines;
      if (done) return;
    }
  } finally {
    // Safari cannot iterate a stream, so only this ends the request when a reader leaves.
    await reader.cancel().catch(() => undefined);
  }
}
