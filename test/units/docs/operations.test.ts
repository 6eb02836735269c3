import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

import { ERRORS } from "../../../src/model/error.ts";

const docs = readFileSync(new URL("../../../docs/operations.md", import.meta.url), "utf8");

test("docs/operations.md has every error code with its status and remedy, and no others", () => {
  const rows = [...docs.matchAll(/^\| `([a-z-]+)` +\| (\d+) +\| [^|]+ \| (.+?) +\|$/gm)].map(
    ([, code, status, remedy]) => ({ code, status: Number(status), hint: remedy }),
  );
  expect(rows).toEqual(
    Object.entries(ERRORS).map(([code, { status, hint }]) => ({ code, status, hint })),
  );
});
