import * as fc from "fast-check";
import { expect, test } from "vitest";

import { formatStepName } from "./step-name.ts";

test("names a step for what it does, and to what", () => {
  expect(formatStepName("close snapshot", "")).toBe("close snapshot");
  expect(formatStepName("export", "order lines \u{1f98b} ä 12")).toBe(
    "export order lines \u{1f98b} ä 12",
  );
});

test("escapes what a name must not contain or nobody can see, and keeps names apart", () => {
  expect(formatStepName("export", "a\tb\n\r\u001b[31m\u007f\u0085\u2028\u202e\ufeff 1")).toBe(
    "export a\\tb\\n\\r\\u001b[31m\\u007f\\u0085\\u2028\\u202e\\ufeff 1",
  );
  expect(formatStepName("export", "a\\tb 1")).toBe("export a\\\\tb 1");
  expect(formatStepName("export", "\u{e0001} 1")).toBe("export \\u{e0001} 1");
});

test("cuts long names in their middle, between characters, so that the number is kept", () => {
  const name = formatStepName("export", `${"\u{1f98b}".repeat(300)} 17`);
  expect(name).toMatch(/^export (?:\u{1f98b})+…(?:\u{1f98b})+ 17$/u);
  expect(name.length).toBeLessThanOrEqual(200);
});

test("makes of every subject a name that a Workflow accepts", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 400 }), (subject) => {
      const name = formatStepName("export", subject);
      expect(name.length).toBeLessThanOrEqual(200);
      expect(name).toMatch(/^[^\p{Cc}]+$/u);
    }),
  );
});
