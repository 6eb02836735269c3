import { ExportError } from "../api/errors.ts";
import { concatBytes, viewOf } from "../lib/bytes.ts";

/** The first bytes of SQLite's own files. StarbaseDB's dumps also begin with them, before their SQL. */
const FILE_HEADER = new TextEncoder().encode("SQLite format 3\0");

/**
 * Reads a script's text, starting at byte `at`. Replaces a file header at its beginning by white space, so that
 * offsets stay the same.
 */
export async function* readScriptText(
  chunks: AsyncIterable<Uint8Array>,
  at = 0,
): AsyncGenerator<Uint8Array, void, undefined> {
  /** The script's first bytes, until there are enough of them. */
  let head: Uint8Array | undefined = at === 0 ? new Uint8Array() : undefined;
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk;
      continue;
    }
    head = concatBytes([head, chunk]);
    if (head.length < FILE_HEADER.length) continue;
    if (isFileHeader(head)) head.fill(0x20, 0, FILE_HEADER.length);
    yield head;
    head = undefined;
  }
  if (head !== undefined && head.length > 0) yield head;
}

/**
 * Passes a script's bytes through. A NUL byte ends SQL text, so a file that contains one is another kind of file.
 * Errors: `script-invalid`, with what the file appears to be.
 */
export async function* requireText(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  let head: Uint8Array = new Uint8Array();
  let offset = 0;
  for await (const chunk of chunks) {
    const missing = FILE_HEADER.length - head.length;
    if (missing > 0) head = concatBytes([head, chunk.subarray(0, missing)]);
    let nul = viewOf(chunk).indexOf(0);
    const isHeaderEnd = offset + nul === FILE_HEADER.length - 1 && isFileHeader(head);
    if (nul >= 0 && isHeaderEnd) nul = viewOf(chunk).indexOf(0, nul + 1);
    if (nul >= 0) {
      const what = describeBinary(head);
      throw new ExportError(
        "script-invalid",
        `byte ${offset + nul} of the file is NUL, so it is not SQL in UTF-8: the file ${what}`,
      );
    }
    offset += chunk.length;
    yield chunk;
  }
}

function isFileHeader(head: Uint8Array): boolean {
  return viewOf(head.subarray(0, FILE_HEADER.length)).equals(FILE_HEADER);
}

/** The first bytes of binary files, and what to do with such a file. */
const SIGNATURES: readonly { what: string; bytes: readonly number[] }[] = [
  { what: "is compressed twice: decompress it once", bytes: [0x1f, 0x8b] },
  { what: "is compressed twice: decompress it once", bytes: [0x28, 0xb5, 0x2f, 0xfd] },
  { what: "is a ZIP archive: unpack it first", bytes: [0x50, 0x4b, 0x03, 0x04] },
  { what: "is text in UTF-16: convert it to UTF-8", bytes: [0xff, 0xfe] },
  { what: "is text in UTF-16: convert it to UTF-8", bytes: [0xfe, 0xff] },
  {
    what: "is an SQLite database: `npx durable-export restore` makes a script of one and uploads that",
    bytes: [...FILE_HEADER],
  },
];

function describeBinary(head: Uint8Array): string {
  const known = SIGNATURES.find(({ bytes }) => bytes.every((byte, at) => head[at] === byte));
  return known?.what ?? "is binary, or is text in UTF-16";
}
