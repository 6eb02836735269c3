import { randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";

import { gzipFrame } from "./gzip-frame.ts";

const MIB = 1_048_576;
const DIGITS = Buffer.from(randomBytes(MIB).toString("hex"));
const ROWS = Buffer.from("(1,'a note as long as notes tend to be'),\n".repeat(50_000));

describe("a frame of gzip opens to what went in", () => {
  test.each([
    ["digits of a BLOB", DIGITS],
    ["rows of text", ROWS],
    ["rows behind digits", Buffer.concat([DIGITS, ROWS])],
    ["little", DIGITS.subarray(0, 1_000)],
    ["nothing", new Uint8Array()],
  ])("where that is %s", (_, text) => {
    expect(Buffer.compare(gunzipSync(gzipFrame(text)), text)).toBe(0);
  });
});

test("digits of a BLOB come out shorter than a search for repetitions makes them", () => {
  expect(gzipFrame(DIGITS).byteLength).toBeLessThan(gzipSync(DIGITS, { level: 9 }).byteLength);
});

test.each([
  ["rows of text", ROWS],
  [
    "one BLOB again and again",
    Buffer.concat(Array.from({ length: 64 }, () => DIGITS.subarray(0, 20_000))),
  ],
])("%s are searched for what repeats", (_, text) => {
  expect(gzipFrame(text).byteLength).toBe(gzipSync(text, { level: 4 }).byteLength);
});
