import { expect, test } from "vitest";

import { lowerAscii, upperAscii } from "./ascii-case.ts";

test("folds the letters A to Z and no others", () => {
  expect(lowerAscii("AbZ É \u212a \u0130")).toBe("abz É \u212a \u0130");
  expect(upperAscii("aBz é tex\u1e97 \u0131 \u017f \ufb02")).toBe(
    "ABZ é TEX\u1e97 \u0131 \u017f \ufb02",
  );
});
