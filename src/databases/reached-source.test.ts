import { expect, test } from "vitest";

import type { ErrorCode } from "../api/error-codes.ts";
import { ExportError } from "../api/errors.ts";
import { reachedSource } from "./reached-source.ts";
import { DEFAULT_ABILITIES, type Source } from "./source.ts";

/** A source whose calls end by these errors, one after the other; `null` answers. */
function answering(...codes: (ErrorCode | null)[]): Source {
  const answer = <T>(value: T): Promise<T> => {
    const code = codes.shift() ?? null;
    return code === null
      ? Promise.resolve(value)
      : Promise.reject(new ExportError(code, 'Worker "shop" not found.'));
  };
  const result = { columns: [], rows: [], rowsRead: 0, rowsWritten: 0 };
  return {
    ...DEFAULT_ABILITIES,
    query: () => answer(result),
    transaction: () => answer([result]),
  };
}

test("a source that was never reached may be configured wrongly", async () => {
  const source = reachedSource(answering("configuration-invalid"), false);
  await expect(source.query({ sql: "" })).rejects.toMatchObject({ code: "configuration-invalid" });
});

test.each([
  ["by this job before", true, []],
  ["by an earlier call", false, [null]],
])("a source that was reached %s may come back", async (_, wasReached, before) => {
  const source = reachedSource(answering(...before, "configuration-invalid", null), wasReached);
  for (const _call of before) await source.transaction([]);
  await expect(source.transaction([])).rejects.toMatchObject({
    code: "source-unavailable",
    retryable: true,
    message: 'Worker "shop" not found.',
  });
  expect(await source.query({ sql: "" })).toMatchObject({ rows: [] });
});

test("other errors stay what they are", async () => {
  const source = reachedSource(answering("source-query-failed"), true);
  await expect(source.query({ sql: "" })).rejects.toMatchObject({ code: "source-query-failed" });
});
