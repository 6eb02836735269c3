import { expect, test } from "vitest";

import { parseJson } from "./parse-json.ts";

test.each([
  ['{"a":[1,null]}', { a: [1, null] }],
  ["null", null],
  ["", undefined],
  ["<html>", undefined],
  ['{"a":1', undefined],
])("%j is parsed, and is undefined if it is not JSON", (text, value) => {
  expect(parseJson(text)).toEqual(value);
});
