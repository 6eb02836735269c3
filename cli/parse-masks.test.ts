import { describe, expect, test } from "vitest";

import { parseMasks } from "./parse-masks.ts";

describe("--mask", () => {
  test("becomes the request's field, column by column", () => {
    const masks = parseMasks([
      "users.email=template:user-{rowid}@example.invalid",
      "users.phone=null",
      "users.name=length",
      "orders.note=value:a=b.c:d",
      "orders.total=number:1.5",
      '{"odd.name": {"a=b": "length"}}',
    ]);
    expect(masks).toEqual({
      users: {
        email: { template: "user-{rowid}@example.invalid" },
        phone: "null",
        name: "length",
      },
      orders: { note: { value: "a=b.c:d" }, total: { value: 1.5 } },
      "odd.name": { "a=b": "length" },
    });
  });

  test("keeps names that JavaScript treats specially, so that the Worker refuses them", () => {
    expect(JSON.stringify(parseMasks(["t.__proto__=length", "__proto__.a=null"]))).toBe(
      '{"t":{"__proto__":"length"},"__proto__":{"a":"null"}}',
    );
  });

  test.each([
    "users",
    "users.email",
    "users=null",
    "users.email=hash",
    "users.email=template",
    "a.b.c=null",
    "users.age=number:many",
    "users.age=number:",
    "{",
  ])("refuses %j", (text) => {
    expect(() => parseMasks([text])).toThrow(/--mask/);
  });

  test("refuses two masks of one column", () => {
    expect(() => parseMasks(["a.b=null", "a.b=length"])).toThrow("--mask names a.b twice");
  });
});
