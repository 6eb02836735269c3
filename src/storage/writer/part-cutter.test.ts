import fc from "fast-check";
import { expect, test } from "vitest";

import { concatBytes } from "../../lib/bytes.ts";
import { PartCutter } from "./part-cutter.ts";

function numbered(length: number, from = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (from + at) & 0xff);
}

function cut(sizes: number[], partBytes: number): { parts: Uint8Array[]; rest: Uint8Array } {
  const cutter = new PartCutter(partBytes);
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const size of sizes) {
    cutter.push(numbered(size, offset));
    offset += size;
    for (let part = cutter.takePart(); part !== undefined; part = cutter.takePart())
      parts.push(part);
  }
  return { parts, rest: concatBytes(cutter.rest()) };
}

test("any sequence of pages gives the same bytes in equal parts with a shorter rest", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50)), fc.integer({ min: 1, max: 40 }), (sizes, partBytes) => {
      const { parts, rest } = cut(sizes, partBytes);
      const total = sizes.reduce((sum, size) => sum + size, 0);
      expect(parts.every((part) => part.byteLength === partBytes)).toBe(true);
      expect(rest.byteLength).toBe(total % partBytes);
      expect(concatBytes([...parts, rest])).toEqual(numbered(total));
    }),
    { numRuns: 500 },
  );
});

test("a cutter that starts from a carry goes on where the other stopped", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(60), { minLength: 1 }),
      fc.nat(10),
      fc.integer({ min: 1, max: 40 }),
      (sizes, split, partBytes) => {
        const whole = cut(sizes, partBytes);
        const before = cut(sizes.slice(0, split), partBytes);
        const done = sizes.slice(0, split).reduce((sum, size) => sum + size, 0);
        const cutter = new PartCutter(partBytes);
        cutter.push(before.rest);
        const parts = [...before.parts];
        let offset = done;
        for (const size of sizes.slice(split)) {
          cutter.push(numbered(size, offset));
          offset += size;
          for (let part = cutter.takePart(); part !== undefined; part = cutter.takePart())
            parts.push(part);
        }
        expect(parts).toEqual(whole.parts);
        expect(concatBytes(cutter.rest())).toEqual(whole.rest);
      },
    ),
    { numRuns: 500 },
  );
});

test.each([
  [9, 0, 9],
  [10, 1, 0],
  [11, 1, 1],
  [20, 2, 0],
  [0, 0, 0],
])("cuts %i bytes into %i parts of ten and a rest of %i", (bytes, parts, rest) => {
  const result = cut([bytes], 10);
  expect(result.parts.length).toBe(parts);
  expect(result.rest.byteLength).toBe(rest);
});

test("gives what is not taken in pieces of at most the size asked for", () => {
  const cutter = new PartCutter(10);
  cutter.push(numbered(27));
  expect(cutter.rest(4).map((piece) => piece.byteLength)).toEqual([4, 4, 2, 4, 4, 2, 4, 3]);
  expect(concatBytes(cutter.rest(4))).toEqual(numbered(27));
});

test("cuts the same parts in buffers that were used before", () => {
  const cutter = new PartCutter(10);
  cutter.push(new Uint8Array(25).fill(0xee));
  cutter.clear();
  expect(cutter.rest()).toEqual([]);
  cutter.push(numbered(13));
  expect(cutter.takePart()).toEqual(numbered(10));
  expect(concatBytes(cutter.rest())).toEqual(numbered(3, 10));
});

test("holds no reference to what was pushed", () => {
  const cutter = new PartCutter(4);
  const bytes = numbered(4);
  cutter.push(bytes);
  bytes.fill(0xee);
  expect(cutter.takePart()).toEqual(numbered(4));
});
