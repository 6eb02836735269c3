import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { d1Source } from "./d1/d1-source.ts";
import { durableObjectSource } from "./durable-object/durable-object-source.ts";
import { findQueryProblem } from "./query-problem.ts";
import type { Source } from "./source.ts";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Platforms that answer every call with `answer`. */
function objectThat(answer: () => Promise<unknown>): Source {
  return durableObjectSource(
    () => ({ executeQuery: answer, executeTransaction: answer }),
    "TENANT",
  );
}

function d1That(answer: () => Promise<unknown>): Source {
  const statement = { bind: () => statement, raw: answer };
  return d1Source({ prepare: () => statement, batch: answer } as unknown as D1Database, "SHOP_DB");
}

test.each([
  ["an object", objectThat, "the object of binding TENANT"],
  ["a D1 database", d1That, "the D1 database of binding SHOP_DB"],
])(
  "%s that never answers ends the wait, by name, and may be asked again",
  async (_, that, words) => {
    const source = that(() => new Promise(() => {}));
    const calls = [
      () => source.query({ sql: "SELECT 1" }),
      () => source.transaction([{ sql: "SELECT 1" }]),
    ];
    for (const call of calls) {
      const refused = expect(call()).rejects.toMatchObject({
        code: "source-timeout",
        retryable: true,
        message: `${words} returned no answer within 90 s`,
      });
      await vi.advanceTimersByTimeAsync(90_000);
      await refused;
    }
  },
);

test.each([
  ["D1_ERROR: Network connection lost.", "source-unavailable"],
  ["D1_ERROR: D1 DB reset because its code was updated.", "source-unavailable"],
  ["D1_ERROR: D1 DB is overloaded. Requests queued for too long.", "source-unavailable"],
  ["D1_ERROR: Internal error in D1 DB storage caused object to be reset.", "source-unavailable"],
  [
    "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.",
    "source-timeout",
  ],
  ["D1_ERROR: D1 DB exceeded its CPU time limit and was reset.", "source-timeout"],
  ["D1_ERROR: D1 DB's isolate exceeded its memory limit and was reset.", "source-unavailable"],
  ["D1_ERROR: no such table: t: SQLITE_ERROR", "source-query-failed"],
  ["D1_ERROR: database is locked: SQLITE_BUSY", "source-unavailable"],
  ["D1_ERROR: disk I/O error: SQLITE_IOERR_READ", "source-unavailable"],
])("D1's words %j mean %s", async (message, code) => {
  const source = d1That(() => Promise.reject(new Error(message)));
  await expect(source.query({ sql: "SELECT 1" })).rejects.toMatchObject({ code, message });
});

test.each([
  ["Network connection lost.", "source-unavailable"],
  ["Durable Object reset because its code was updated.", "source-unavailable"],
  ["Durable Object is overloaded. Requests queued for too long.", "source-unavailable"],
  ["no such table: t: SQLITE_ERROR", "source-query-failed"],
  [
    "Serialized RPC arguments or return values are limited to 32MiB, but the size of this value was: 41837452 bytes.",
    "source-query-failed",
  ],
  ['The RPC receiver does not implement the method "executeQuery".', "configuration-invalid"],
  ['Worker does not export a Durable Object class named "Tenant"', "configuration-invalid"],
  ['Worker "shop" not found. Make sure it is running locally.', "configuration-invalid"],
])("an object's words %j mean %s", async (message, code) => {
  const source = objectThat(() => Promise.reject(new Error(message)));
  await expect(source.query({ sql: "SELECT 1" })).rejects.toMatchObject({ code });
});

test.each([[undefined], [[]], [{ columns: ["a"] }], ["done"]])(
  "an object that answers %j is of the wrong class",
  async (answer) => {
    const source = objectThat(() => Promise.resolve(answer));
    await expect(source.query({ sql: "SELECT 1" })).rejects.toMatchObject({
      code: "configuration-invalid",
    });
  },
);

test.each([
  ["no such table: main.t: SQLITE_ERROR", "missing"],
  ["no such column: a at offset 7: SQLITE_ERROR", "missing"],
  ["table t has no column named a: SQLITE_ERROR", "missing"],
  ["string or blob too big: SQLITE_TOOBIG", "too-big"],
  ["database table is locked: SQLITE_LOCKED", "locked"],
  ["database is locked: SQLITE_BUSY", undefined],
  ['near "x": syntax error at offset 0: SQLITE_ERROR', undefined],
  ["The request is too big.", undefined],
])("SQLite's words %j mean the problem %s, by either adapter", async (words, problem) => {
  const sources = [
    objectThat(() => Promise.reject(new Error(words))),
    d1That(() => Promise.reject(new Error(`D1_ERROR: ${words}`))),
  ];
  for (const source of sources) {
    const error: unknown = await source
      .query({ sql: "SELECT 1" })
      .catch((caught: unknown) => caught);
    expect(findQueryProblem(error)).toBe(problem);
  }
});
