import fc from "fast-check";
import { expect, test } from "vitest";

import { ROW_SEPARATOR } from "../../sqlite/page-query.ts";
import { replaceSeparators } from "./row-gaps.ts";

test("finds every separator, however long rows are and wherever the bytes stand in their buffer", () => {
  const byte = fc.oneof(fc.constantFrom(ROW_SEPARATOR, 0x0d, 0x0a, 0xfe, 0x00), fc.nat(255));
  fc.assert(
    fc.property(fc.array(byte, { maxLength: 40 }), fc.nat(4), fc.nat(1), (values, offset, rows) => {
      const bytes = new Uint8Array(offset + values.length + 1).subarray(offset, -1);
      bytes.set(values);
      expect(replaceSeparators(bytes, rows)).toEqual(
        values.flatMap((value, at) => (value === ROW_SEPARATOR ? [at] : [])),
      );
      expect([...bytes]).toEqual(values.map((value) => (value === ROW_SEPARATOR ? 0x0a : value)));
    }),
  );
});
