import { deserialize, serialize } from "node:v8";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";

import { decodeValue, encodeValue } from "./structured-value.ts";

function copyOf<T>(value: T): T {
  return decodeValue(encodeValue(value)) as T;
}

describe("a value of a key-value storage", () => {
  test.each([
    ["undefined", undefined],
    ["null", null],
    ["numbers that JSON lacks", [-0, NaN, Infinity, -Infinity, 0.1, 2 ** 53]],
    ["bigints", [0n, -(2n ** 200n)]],
    ["text", ["", "\0", "\ud800", "it's", "\u{1f600}"]],
    ["dates", [new Date(5), new Date(NaN)]],
    ["regular expressions", /a\/b\n/giu],
    ["boxed primitives", [Object(true), Object(5), Object("s"), Object(5n)]],
    [
      "maps and sets",
      new Map<unknown, unknown>([
        [new Set([1n]), { a: undefined }],
        [NaN, "x"],
      ]),
    ],
    ["arrays with holes and names", Object.assign([1], { 2: 3, more: 5 })],
    ["names that mean something else", JSON.parse('{"__proto__": {"a": 1}, "constructor": 2}')],
    ["typed arrays", [new Uint16Array([1, 2]), new Float64Array([-0]), new BigInt64Array([-1n])]],
    ["buffers", [new Uint8Array([0, 255]).buffer, new DataView(new ArrayBuffer(3), 1, 2)]],
  ])("keeps %s", (_, value) => {
    expect(copyOf<unknown>(value)).toStrictEqual(deserialize(serialize(value)));
  });

  test("keeps cycles and what is shared", () => {
    const bytes = new Uint8Array([1, 2, 3, 4]);
    const value = {
      self: null as unknown,
      map: new Map<unknown, unknown>(),
      part: bytes.subarray(1, 3),
      bytes,
    };
    value.self = value;
    value.map.set(value, value.map);
    const copy = copyOf(value);
    expect(copy.self).toBe(copy);
    expect(copy.map.get(copy)).toBe(copy.map);
    expect(copy.part.buffer).toBe(copy.bytes.buffer);
    expect([...copy.part]).toEqual([2, 3]);
  });

  test("keeps errors with their type, cause and stack", () => {
    const error = Object.assign(new RangeError("far", { cause: new Error("near") }), { code: 7 });
    const copy = copyOf(error);
    expect(copy).toBeInstanceOf(RangeError);
    expect([copy.message, copy.stack, copy.code]).toEqual(["far", error.stack, 7]);
    expect((copy.cause as Error).message).toBe("near");
    expect(Object.keys(copy)).toEqual(["code"]);
  });

  test("keeps values that are nested deeper than the stack", () => {
    let value: unknown[] = [];
    for (let depth = 0; depth < 100_000; depth += 1) value = [value];
    let copy = copyOf(value);
    let depth = 0;
    for (; copy.length > 0; depth += 1) copy = copy[0] as unknown[];
    expect(depth).toBe(100_000);
  });

  test("keeps anything that fast-check thinks of", () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withSparseArray: true,
    });
    fc.assert(
      fc.property(anything, (value) => {
        expect(copyOf(value)).toStrictEqual(deserialize(serialize(value)));
      }),
    );
  });

  test("is refused if it is of a type that no dump can contain", () => {
    expect(() => encodeValue(new Blob(["x"]))).toThrow("an object of type Blob cannot be exported");
    expect(() => encodeValue({ f: () => 1 })).toThrow("a function cannot be exported");
  });

  test("is refused if a later version wrote it", () => {
    expect(() => decodeValue(new Uint8Array([9]))).toThrow("encoding 9");
  });
});
