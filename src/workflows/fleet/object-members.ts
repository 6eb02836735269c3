import { MIB } from "../../api/limits.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import type { MemberCollector } from "./member-list.ts";

/** The longest line in UTF-16 units, before it is checked as a name: memory must not depend on the object. */
const LINE_LENGTH_MAX = MIB;

/**
 * Adds the lines of an object of the bucket: one name per line, in UTF-8. Empty lines, a byte order mark and carriage
 * returns before line feeds are ignored; other white space belongs to the name. Errors: `fleet-names-invalid` if there is
 * no such object or it is not UTF-8, and those of the store.
 */
export async function collectFromObject(
  store: Pick<ArtifactStore, "read">,
  key: string,
  collector: MemberCollector,
): Promise<void> {
  const body = await store.read(key);
  if (body === undefined) throw collector.refuse("it does not exist");
  let rest = "";
  let line = 0;
  const addLine = (text: string): void => {
    line += 1;
    const name = text.endsWith("\r") ? text.slice(0, -1) : text;
    if (name !== "") collector.add(name, `line ${line}`);
  };
  for await (const text of decode(body, collector)) {
    // Only the new text is searched: a long line may come in many pieces.
    const [first = "", ...others] = text.split("\n");
    const lines = [rest + first, ...others];
    rest = lines.pop() ?? "";
    for (const each of lines) addLine(each);
    if (rest.length > LINE_LENGTH_MAX) {
      throw collector.refuse(`line ${line + 1} has more than ${LINE_LENGTH_MAX} characters`);
    }
  }
  addLine(rest);
}

/** Decodes strictly: a replaced byte would make another name. */
async function* decode(
  body: ReadableStream<Uint8Array>,
  collector: MemberCollector,
): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const decodePiece = (piece?: Uint8Array): string => {
    try {
      return piece === undefined ? decoder.decode() : decoder.decode(piece, { stream: true });
    } catch (cause) {
      throw collector.refuse("it is not UTF-8", cause);
    }
  };
  for await (const piece of body as unknown as AsyncIterable<Uint8Array>) yield decodePiece(piece);
  yield decodePiece();
}
