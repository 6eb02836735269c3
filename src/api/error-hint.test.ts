import { describe, expect, test } from "vitest";

import { docsUrl } from "./docs-url.ts";
import { ERRORS, type ErrorCode } from "./error-codes.ts";
import { hintOf } from "./error-hint.ts";

const CODES = Object.keys(ERRORS) as ErrorCode[];

describe("the hint of an error", () => {
  test.each(CODES)("%s names only routes below the mounted path", (code) => {
    const paths = hintOf(code, "https://example.com/team/$&/").match(/(?<=\s)\/\S+/g) ?? [];
    expect(paths.filter((path) => !path.startsWith("/team/$&/"))).toEqual([]);
  });

  test("is the list's own if nothing is mounted", () => {
    for (const url of [undefined, "", "no URL", 7, "https://example.com", "https://example.com/"]) {
      for (const code of CODES) expect(hintOf(code, url)).toBe(ERRORS[code].hint);
    }
  });

  test("leaves addresses of the documentation as they are", () => {
    const hint = hintOf("callback-url-refused", "https://example.com/backup");
    expect(hint).toContain(docsUrl("callbacks.md"));
  });
});
