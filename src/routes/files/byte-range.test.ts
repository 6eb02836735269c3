import { expect, test } from "vitest";

import { parseRange } from "./byte-range.ts";

test.each([
  [undefined, "whole"],
  ["", "whole"],
  ["bytes=0-0", { offset: 0, length: 1 }],
  ["bytes=2-5", { offset: 2, length: 4 }],
  ["Bytes=2-5", { offset: 2, length: 4 }],
  ["bytes=2-", { offset: 2, length: 8 }],
  ["bytes=-3", { offset: 7, length: 3 }],
  ["bytes=-30", { offset: 0, length: 10 }],
  ["bytes=9-99999999999999999999", { offset: 9, length: 1 }],
  ["bytes=10-", "unsatisfiable"],
  ["bytes=10-12", "unsatisfiable"],
  ["bytes=-0", "unsatisfiable"],
  ["bytes=5-2", "whole"],
  ["bytes=0-1,3-4", "whole"],
  ["items=0-1", "whole"],
  ["bytes=a-b", "whole"],
  ["bytes=-", "whole"],
])("of ten bytes, Range %s asks for %o", (header, expected) => {
  expect(parseRange(header, 10)).toEqual(expected);
});

test("no byte of an empty file can be asked for", () => {
  expect(parseRange("bytes=0-", 0)).toBe("unsatisfiable");
  expect(parseRange("bytes=-1", 0)).toBe("unsatisfiable");
});
