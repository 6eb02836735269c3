import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { readSettings } from "../../src/config/settings.ts";
import { MIB } from "../../src/api/limits.ts";
import { api, emptyDatabase, query } from "../support/api.ts";

/** What 4,000 rows of it take is more than an answer may hold. */
const LARGE = `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
  SELECT i, hex(zeroblob(5000)) FROM n`;

interface Answer {
  status: number;
  result?: unknown;
  code?: string;
  changed?: string;
  detail?: string;
}

async function answer(response: Response): Promise<Answer> {
  return { status: response.status, ...(await response.json<object>()) };
}

async function ask(body: object): Promise<Answer> {
  return answer(await api("/query", { method: "POST", body: JSON.stringify(body) }));
}

async function countRows(): Promise<unknown> {
  return (await ask({ sql: "SELECT count(*) AS n FROM t" })).result;
}

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)");
});

describe("POST /query of the embedded database", () => {
  test.each([
    [
      "a transaction",
      { transaction: [{ sql: "INSERT INTO t VALUES (1, 'a')" }, { sql: "SELEKT" }] },
    ],
    ["several statements in one text", { sql: "INSERT INTO t VALUES (1, 'a'); SELEKT" }],
    [
      "a statement that keeps its first rows",
      { sql: "INSERT OR FAIL INTO t VALUES (1, 'a'), (1, 'b')" },
    ],
    [
      "parameters that do not fit",
      { sql: "INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (?, ?)", params: [2] },
    ],
  ])("undoes %s that fails, and says so", async (_what, body) => {
    expect(await ask(body)).toMatchObject({
      status: 400,
      code: "query-failed",
      changed: "nothing",
    });
    expect(await countRows()).toEqual([{ n: 0 }]);
  });

  test("answers several statements in one text with the rows of the last", async () => {
    const sql = "INSERT INTO t VALUES (1, 'a'); SELECT x FROM t WHERE id = ?";
    expect(await ask({ sql, params: [1] })).toEqual({ status: 200, result: [{ x: "a" }] });
  });

  test.each([
    ["a text", { sql: `INSERT INTO t ${LARGE} RETURNING *` }],
    [
      "a transaction",
      { transaction: [{ sql: `INSERT INTO t ${LARGE} RETURNING *` }, { sql: "SELECT 1" }] },
    ],
    ["several statements", { sql: `INSERT INTO t ${LARGE}; SELECT * FROM t` }],
  ])("undoes %s whose rows are larger than an answer, and says so", async (_what, body) => {
    const refused = await ask(body);
    expect(refused).toMatchObject({ status: 422, code: "query-result-too-large" });
    expect(refused.detail).toContain("nothing was changed");
    expect(await countRows()).toEqual([{ n: 0 }]);
    // No cursor stays open, which would lock the tables.
    expect((await ask({ sql: "DROP TABLE t" })).status).toBe(200);
  });

  test("counts the rows of a transaction's statements together", async () => {
    const half = {
      sql: `SELECT hex(zeroblob(${(7 * MIB) / 16})) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10), (11), (12), (13), (14), (15), (16))`,
    };
    expect((await ask(half)).status).toBe(200);
    expect((await ask({ transaction: [half, half] })).code).toBe("query-result-too-large");
  });

  test("refuses a result that never ends", async () => {
    const endless =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
    expect((await ask({ sql: endless })).code).toBe("query-result-too-large");
    expect((await ask({ sql: "DROP TABLE t" })).status).toBe(200);
  });

  test("runs a pragma outside of a transaction, where it takes effect", async () => {
    const read = async () => (await ask({ sql: "PRAGMA foreign_keys" })).result;
    expect(await read()).toEqual([{ foreign_keys: 1 }]);
    await ask({ sql: "PRAGMA foreign_keys = OFF;" });
    expect(await read()).toEqual([{ foreign_keys: 0 }]);
    await ask({ sql: "PRAGMA foreign_keys = ON" });
    expect(await read()).toEqual([{ foreign_keys: 1 }]);
  });
});

/** A class that has the two methods of a source and no more, as StarbaseDB's. */
function otherClass(calls: string[]): object {
  const executeQuery = ({ sql }: { sql: string }): object[] => {
    calls.push(sql);
    if (sql.includes("SELEKT")) throw new Error('near "SELEKT": syntax error: SQLITE_ERROR');
    return [{ ran: sql }];
  };
  const executeTransaction = (queries: { sql: string }[]): object[] => queries.map(executeQuery);
  return { idFromName: String, getByName: () => ({ executeQuery, executeTransaction }) };
}

describe("POST /query of another class", () => {
  async function askOther(body: object, access?: string): Promise<Answer & { calls: string[] }> {
    const calls: string[] = [];
    const bindings = {
      ...env,
      DATABASE_DURABLE_OBJECT: otherClass(calls),
      ...(access === undefined ? {} : { EXPORT_QUERY: access }),
    };
    const headers = { authorization: "Bearer test-admin-token-0123456789" };
    const init = { method: "POST", headers, body: JSON.stringify(body) };
    const url = "https://export.example.com/query";
    return { calls, ...(await answer(await createApp().request(url, init, bindings))) };
  }

  test.each([undefined, "embedded", "off"])(
    "is not available with EXPORT_QUERY %s",
    async (access) => {
      expect(await askOther({ sql: "SELECT 1" }, access)).toMatchObject({
        status: 404,
        code: "query-not-available",
        calls: [],
      });
    },
  );

  test("is available with EXPORT_QUERY any", async () => {
    expect(await askOther({ sql: "SELECT 1" }, "any")).toMatchObject({
      status: 200,
      result: [{ ran: "SELECT 1" }],
    });
    const transaction = [{ sql: "SELECT 1" }, { sql: "SELECT 2" }];
    expect(await askOther({ transaction }, "any")).toMatchObject({
      status: 200,
      result: [[{ ran: "SELECT 1" }], [{ ran: "SELECT 2" }]],
    });
  });

  test("does not claim that a failure was undone", async () => {
    const transaction = [{ sql: "INSERT 1" }, { sql: "SELEKT" }];
    for (const body of [{ transaction }, { sql: "SELEKT" }]) {
      const failed = await askOther(body, "any");
      expect(failed).toMatchObject({ status: 400, code: "query-failed", changed: "unknown" });
      expect(failed.detail).toContain("does not roll back");
    }
  });

  test("refuses several statements in one text before it runs any", async () => {
    const several = { sql: "DELETE FROM a; SELEKT" };
    for (const body of [several, { transaction: [{ sql: "SELECT 1" }, several] }]) {
      expect(await askOther(body, "any")).toMatchObject({
        status: 400,
        code: "invalid-request",
        calls: [],
      });
    }
  });

  test.each(["on", "", "Any", true])("is refused by name with EXPORT_QUERY %j", (value) => {
    expect(() => readSettings({ ...env, EXPORT_QUERY: value })).toThrow(
      "EXPORT_QUERY: expected `embedded`, `any` or `off`",
    );
  });
});

test("EXPORT_QUERY off closes the embedded database too", async () => {
  const headers = { authorization: "Bearer test-admin-token-0123456789" };
  const init = { method: "POST", headers, body: JSON.stringify({ sql: "SELECT 1" }) };
  const url = "https://export.example.com/query";
  const response = await createApp().request(url, init, { ...env, EXPORT_QUERY: "off" });
  expect(await answer(response)).toMatchObject({ status: 404, code: "query-not-available" });
});
