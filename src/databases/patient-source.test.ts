import { afterEach, beforeEach, expect, test, vi } from "vitest";

import type { ErrorCode } from "../api/error-codes.ts";
import { ExportError } from "../api/errors.ts";
import { patientSource } from "./patient-source.ts";
import { DEFAULT_ABILITIES, type Source, type SourceResult } from "./source.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const RESULT: SourceResult = { columns: [], rows: [[1]], rowsRead: 0, rowsWritten: 0 };

/** A source that fails so often by `code` before it answers. */
function failing(times: number, code: ErrorCode): { source: Source; calls: () => number } {
  let calls = 0;
  const answer = <T>(value: T): Promise<T> => {
    calls += 1;
    return calls > times ? Promise.resolve(value) : Promise.reject(new ExportError(code, "no"));
  };
  const source: Source = {
    ...DEFAULT_ABILITIES,
    query: () => answer(RESULT),
    transaction: () => answer([RESULT]),
  };
  return { source, calls: () => calls };
}

test.each([
  ["query", (source: Source) => source.query({ sql: "SELECT 1" })],
  ["transaction", (source: Source) => source.transaction([{ sql: "SELECT 1" }])],
])("a %s is tried again where the source does not answer, three times", async (_, call) => {
  const passing = failing(3, "source-unavailable");
  const answered = call(patientSource(passing.source));
  await vi.advanceTimersByTimeAsync(3_500);
  expect([await answered].flat()).toEqual([RESULT]);

  const lasting = failing(4, "source-unavailable");
  const refused = expect(call(patientSource(lasting.source))).rejects.toMatchObject({
    code: "source-unavailable",
  });
  await vi.advanceTimersByTimeAsync(3_500);
  await refused;
  expect(lasting.calls()).toBe(4);
});

test("what trying again cannot help is told at once", async () => {
  const { source, calls } = failing(1, "source-query-failed");
  await expect(patientSource(source).query({ sql: "SELEKT" })).rejects.toMatchObject({
    code: "source-query-failed",
  });
  expect(calls()).toBe(1);
});
