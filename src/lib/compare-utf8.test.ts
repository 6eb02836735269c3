import * as fc from "fast-check";
import { expect, test } from "vitest";

import { compareUtf8 } from "./compare-utf8.ts";

test("texts have the order of their UTF-8 bytes", () => {
  const text = fc.string({
    unit: fc.oneof(fc.constantFrom("a", "b", "\ue000", "\uffff", "\u{10000}"), fc.string()),
  });
  fc.assert(
    fc.property(text, text, (a, b) => {
      fc.pre(a.isWellFormed() && b.isWellFormed());
      expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
    { numRuns: 500 },
  );
});
