import { crc32 } from "node:zlib";

import { configure, Reader, ZipReader } from "@zip.js/zip.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { concatBytes } from "./bytes.ts";
import { type ZipEntry, ZipLayout } from "./zip-layout.ts";

configure({ useWebWorkers: false });

const MODIFIED_MS = Date.UTC(2026, 10, 25, 3, 4, 6);
const GIB = 1024 ** 3;

/** Zeros: of every size, one array. */
function contentOf(length: number): Uint8Array {
  return new Uint8Array(length);
}

function bytesOf(layout: ZipLayout<ZipEntry>, offset: number, length: number): Uint8Array {
  const pieces: Uint8Array[] = [];
  for (const stretch of layout.stretches({ offset, length })) {
    pieces.push(stretch.kind === "own" ? stretch.bytes : contentOf(stretch.length));
  }
  return concatBytes(pieces);
}

/** Gives a reader what it asks for of an archive that nobody has. */
class LayoutReader extends Reader<ZipLayout<ZipEntry>> {
  readonly #layout: ZipLayout<ZipEntry>;
  /** Of a short one, since a library asks for many short ranges. */
  readonly #whole: Uint8Array | undefined;

  constructor(layout: ZipLayout<ZipEntry>) {
    super(layout);
    this.#layout = layout;
    this.size = layout.bytes;
    this.#whole = layout.bytes < GIB ? bytesOf(layout, 0, layout.bytes) : undefined;
  }

  override readUint8Array(offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const bytes =
      this.#whole?.subarray(offset, offset + length) ??
      bytesOf(this.#layout, offset, Math.min(length, this.#layout.bytes - offset));
    return Promise.resolve(new Uint8Array(bytes));
  }
}

async function read(layout: ZipLayout<ZipEntry>) {
  const reader = new ZipReader(new LayoutReader(layout), { strictness: "strict" });
  const entries = await reader.getEntries();
  await reader.close();
  return entries;
}

function zeros(name: string, bytes: number): ZipEntry {
  // The checksum of what is too long to be made is not looked at.
  return { name, bytes, crc32: bytes < GIB ? crc32(contentOf(bytes)) : 7 };
}

describe("what a ZIP library reads", () => {
  test("names, sizes, checksums, times and contents of the entries", async () => {
    const files = [zeros("a.csv", 100_000), zeros("é ü.csv", 1), zeros("empty.ndjson", 0)];
    const layout = new ZipLayout(files, MODIFIED_MS);
    const entries = await read(layout);
    expect(entries).toMatchObject(
      files.map((file) => ({
        filename: file.name,
        uncompressedSize: file.bytes,
        compressedSize: file.bytes,
        compressionMethod: 0,
        zip64: false,
        encrypted: false,
        directory: false,
        lastModDate: new Date(MODIFIED_MS),
      })),
    );
    for (const [at, entry] of entries.entries()) {
      if (entry.directory) throw new Error(`${entry.filename} is no file`);
      const bytes = await entry.arrayBuffer({ checkSignature: true });
      expect(new Uint8Array(bytes)).toEqual(contentOf(files[at]?.bytes ?? -1));
    }
  });

  test("an archive without entries", async () => {
    const layout = new ZipLayout([], MODIFIED_MS);
    expect(layout.bytes).toBe(22);
    expect(await read(layout)).toEqual([]);
  });

  test("entries at, over and behind 4 GiB, and a small one between them", async () => {
    const sizes = [4 * GIB - 2, 4 * GIB - 1, 9, 4 * GIB, 5 * GIB, 0];
    const layout = new ZipLayout(
      sizes.map((bytes, at) => zeros(`${at}.csv`, bytes)),
      MODIFIED_MS,
    );
    expect(layout.bytes).toBeGreaterThan(17 * GIB);
    const entries = await read(layout);
    expect(entries.map((entry) => entry.uncompressedSize)).toEqual(sizes);
    expect(entries.map((entry) => entry.compressedSize)).toEqual(sizes);
    expect(entries.map((entry) => entry.zip64)).toEqual([false, true, true, true, true, true]);
    for (const entry of entries) {
      const header = bytesOf(layout, entry.offset, 46);
      expect([...header.subarray(0, 4)]).toEqual([0x50, 0x4b, 3, 4]);
      expect(new TextDecoder().decode(header.subarray(30, 35))).toBe(entry.filename);
    }
    const third = entries[2];
    if (third === undefined || third.directory) throw new Error("no file");
    const bytes = await third.arrayBuffer({ checkSignature: true });
    expect(new Uint8Array(bytes)).toEqual(contentOf(9));
  });

  test("more entries than two bytes count, from 65,535 on by ZIP64", async () => {
    const layoutOf = (count: number) =>
      new ZipLayout(
        Array.from({ length: count }, (_, at) => zeros(`${at}.csv`, 0)),
        MODIFIED_MS,
      );
    expect(await read(layoutOf(66_000))).toHaveLength(66_000);
    for (const [count, isZip64] of [
      [65_534, false],
      [65_535, true],
    ] as const) {
      const layout = layoutOf(count);
      const locator = bytesOf(layout, layout.bytes - 22 - 20, 4);
      expect(locator.join() === "80,75,6,7").toBe(isZip64);
    }
  });

  test("times that the format cannot have become the nearest that it has", async () => {
    const [before] = await read(new ZipLayout([zeros("a", 1)], 0));
    expect(before?.lastModDate).toEqual(new Date(Date.UTC(1980, 0, 1)));
    const [behind] = await read(new ZipLayout([zeros("a", 1)], Date.UTC(2200, 0, 1)));
    expect(behind?.rawLastModDate).toBe(0xff9fbf7d);
  });
});

describe("ranges", () => {
  test("every range is that part of the whole, and as long as was asked for", () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 300 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        sizes,
        fc.double({ min: 0, max: 1 }),
        fc.double({ min: 0, max: 1 }),
        (sizes, a, b) => {
          const files = sizes.map((bytes, at) => zeros(`${"n".repeat(at)}${at}`, bytes));
          const layout = new ZipLayout(files, MODIFIED_MS);
          const whole = bytesOf(layout, 0, layout.bytes);
          expect(whole.byteLength).toBe(layout.bytes);
          const offset = Math.floor((Number.isNaN(a) ? 0 : a) * layout.bytes);
          const length = Math.floor((Number.isNaN(b) ? 0 : b) * (layout.bytes - offset));
          expect(bytesOf(layout, offset, length)).toEqual(whole.subarray(offset, offset + length));
        },
      ),
    );
  });

  test("name the entry and the place in it, and no entry beside them", () => {
    const files = [zeros("a", 100), zeros("b", 100), zeros("c", 100)];
    const layout = new ZipLayout(files, MODIFIED_MS);
    const [header] = layout.stretches({ offset: 0, length: 1_000 });
    const headerBytes = header?.kind === "own" ? header.bytes.byteLength : 0;
    const offset = 2 * headerBytes + 100 + 30;
    expect([...layout.stretches({ offset, length: 40 })]).toEqual([
      { kind: "content", entry: files[1], offset: 30, length: 40 },
    ]);
  });
});
