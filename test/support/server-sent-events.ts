/** One server-sent event, or a comment. */
export interface ServerSentEvent {
  event?: string;
  id?: string;
  data?: string;
  comment?: string;
  retry?: string;
}

/** The events of a response, as they arrive. */
export async function* eventsOf(response: Response): AsyncGenerator<ServerSentEvent, void, void> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      yield parseEvent(text.slice(0, end));
      text = text.slice(end + 2);
    }
  }
}

function parseEvent(block: string): ServerSentEvent {
  const event: ServerSentEvent = {};
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    const name = colon === 0 ? "comment" : line.slice(0, colon);
    event[name as keyof ServerSentEvent] = line.slice(colon + 1).trim();
  }
  return event;
}
