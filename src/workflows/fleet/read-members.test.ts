import * as v from "valibot";
import { describe, expect, test } from "vitest";

import { FLEET_MEMBERS_MAX, type FleetNames, FleetNamesSchema } from "../../api/fleet-names.ts";
import type { Source } from "../../databases/source.ts";
import { ExportError } from "../../api/errors.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";
import { MemberCollector } from "./member-list.ts";
import { collectFromNamespace } from "./namespace-members.ts";
import { readMembers } from "./read-members.ts";

/** Names that a careless reader changes or drops, in the order of their UTF-8 bytes. */
const ODD_NAMES = [
  "\u0000",
  " ",
  "' OR 1=1; --",
  "../../etc/passwd",
  "Acme",
  "a/b/c",
  "acme",
  "acme ",
  "x".repeat(1_000),
  "é",
  "e\u0301",
  "日本",
  "\uffff",
  "\u{1f98b}",
].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

/** An object of a bucket, which is sent in pieces of `pieceBytes`. */
function storeOf(content: Uint8Array | undefined, pieceBytes = 7) {
  const read = async (): Promise<ReadableStream<Uint8Array> | undefined> => {
    if (content === undefined) return undefined;
    const pieces = Array.from({ length: Math.ceil(content.length / pieceBytes) }, (_, at) =>
      content.subarray(at * pieceBytes, (at + 1) * pieceBytes),
    );
    return new ReadableStream({
      start: (controller) => {
        for (const piece of pieces) controller.enqueue(piece);
        controller.close();
      },
    });
  };
  return { read };
}

const readObject = (content: Uint8Array | string | undefined) =>
  readMembers(
    { object: "tenants.txt" },
    {
      store: storeOf(typeof content === "string" ? Buffer.from(content) : content),
      openSource: () => expect.unreachable(),
      apiToken: undefined,
    },
  );

function tenants(script: string): Source {
  const db = openPlatformDatabase();
  db.exec(script);
  return nodeSqliteSource(db);
}

const readQuery = (query: string, source: Source) =>
  readMembers(
    { query, source: "main" },
    { store: storeOf(undefined), openSource: () => source, apiToken: undefined },
  );

const readList = (names: FleetNames) =>
  readMembers(names, {
    store: storeOf(undefined),
    openSource: () => expect.unreachable(),
    apiToken: undefined,
  });

test.each([
  ["an empty list", []],
  ["an empty name", [""]],
  ["a name of 1,001 characters", ["x".repeat(1_001)]],
  ["a query without a source", { query: "SELECT 1" }],
  ["two registries", { object: "a", query: "SELECT 1", source: "main" }],
  ["an account that is no id", { namespace: { accountId: "../x", namespaceId: "0".repeat(32) } }],
])("%s is no registry", (_, names) => {
  expect(v.safeParse(FleetNamesSchema, names).success).toBe(false);
});

describe("a list", () => {
  test("is sorted, and names that repeat are counted", async () => {
    expect(await readList([...ODD_NAMES.toReversed(), "acme"])).toEqual({
      namedBy: "name",
      members: ODD_NAMES,
      duplicates: 1,
    });
  });

  test("with a name that is not valid Unicode is refused", async () => {
    await expect(readList(["a", "b\ud800"])).rejects.toMatchObject({
      code: "fleet-names-invalid",
      message: 'the request\'s `names`: name 2 is not valid Unicode: "b\ufffd"',
    });
  });
});

describe("a query", () => {
  test("returns every name of several pages, in order and exactly", async () => {
    const source = tenants("CREATE TABLE tenants(name TEXT COLLATE NOCASE)");
    const many = Array.from({ length: 2_500 }, (_, n) => `tenant ${n}`);
    const names = [...ODD_NAMES, ...many];
    for (const name of [...names, "acme"]) {
      await source.query({ sql: "INSERT INTO tenants VALUES (?)", params: [name] });
    }
    const { members } = await readQuery("SELECT name FROM tenants -- all of them", source);
    expect(members).toEqual(
      names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))),
    );
  });

  test("of a page's exact length ends", async () => {
    const sql =
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT 't' || i FROM n;";
    expect((await readQuery(sql, tenants(""))).members).toHaveLength(1_000);
  });

  test.each([
    ["SELECT name FROM tenants WHERE 0", "it lists no object"],
    ["SELECT name, 1 FROM tenants", "it returns 2 columns instead of one"],
    ["SELECT NULL UNION ALL SELECT 'a'", "it returns NULL as a name; leave it out"],
    [
      "SELECT x'61' UNION ALL SELECT 'a'",
      "it returns a BLOB as a name; convert it with CAST(… AS TEXT)",
    ],
    ["SELECT 7", "it returns a number (integer) as a name; convert it with CAST(… AS TEXT)"],
    ["SELECT ''", "a name is empty"],
    ["SELECT nome FROM tenants", "no such column: nome"],
    ["DELETE FROM tenants RETURNING name", "it is not a SELECT"],
    ["SELECT 'a'; DROP TABLE tenants", "it has several statements"],
    ["SELECT 'a'); DROP TABLE tenants; SELECT ('b'", "its parentheses do not match"],
    ["SELECT (1", "its parentheses do not match"],
    ["SELECT printf('%01001d', 1)", "a name has 1001 characters, and a name has at most 1000"],
  ])("%s is refused", async (query, message) => {
    const source = tenants("CREATE TABLE tenants(name); INSERT INTO tenants VALUES ('acme')");
    await expect(readQuery(query, source)).rejects.toMatchObject({
      code: "fleet-names-invalid",
      message: expect.stringContaining(`the query of names in source "main": ${message}`),
    });
    const { rows } = await source.query({ sql: "SELECT name FROM tenants" });
    expect(rows).toEqual([["acme"]]);
  });

  test("that fails half-way fails as a whole, with the source's own error", async () => {
    const plain = tenants(
      "CREATE TABLE t(a); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) " +
        "INSERT INTO t SELECT 't' || i FROM n",
    );
    let calls = 0;
    const source: Source = {
      ...plain,
      query: async (statement) => {
        calls += 1;
        if (calls === 3) throw new ExportError("source-unavailable", "the object was reset");
        return plain.query(statement);
      },
    };
    await expect(readQuery("SELECT a FROM t", source)).rejects.toMatchObject({
      code: "source-unavailable",
    });
  });
});

describe("an object of the bucket", () => {
  test("has a name on each line, whatever ends the lines", async () => {
    const names = ODD_NAMES.filter((name) => !name.includes("\n"));
    const text = `\ufeff${names.join("\r\n")}\n\n\r\nacme`;
    expect(await readObject(text)).toEqual({ namedBy: "name", members: names, duplicates: 1 });
  });

  test.each([
    [undefined, "it does not exist"],
    ["", "it lists no object"],
    ["\n\r\n", "it lists no object"],
    [Uint8Array.of(0x61, 0x0a, 0xff), "it is not UTF-8"],
    [Uint8Array.of(0x61, 0x0a, 0xc3), "it is not UTF-8"],
    [`a\n\n${"x".repeat(1_001)}`, "line 3 has 1001 characters, and a name has at most 1000"],
    [`a\n${"x".repeat(1_100_000)}`, "line 2 has more than 1048576 characters"],
    [
      Array.from({ length: FLEET_MEMBERS_MAX + 1 }, (_, n) => n).join("\n"),
      "it lists more than 100000 objects",
    ],
  ])("is refused (%#)", async (content, message) => {
    await expect(readObject(content)).rejects.toMatchObject({
      code: "fleet-names-invalid",
      message: expect.stringContaining(`the object "tenants.txt" of names: ${message}`),
    });
  });
});

describe("a namespace", () => {
  const namespace = { accountId: "a".repeat(32), namespaceId: "b".repeat(32) };
  const id = (n: number): string => n.toString(16).padStart(64, "0");

  /** Returns what a namespace lists if Cloudflare's API answers so. */
  async function list(answers: (url: URL) => Response | Promise<Response>, apiToken = "token") {
    const collector = new MemberCollector("the namespace");
    const asked: string[] = [];
    const send = (async (url: URL, init: RequestInit) => {
      asked.push(`${url.pathname}${url.search} ${JSON.stringify(init.headers)}`);
      return answers(url);
    }) as typeof fetch;
    await collectFromNamespace(namespace, { apiToken, send }, collector);
    return { asked, ...collector.finish("id") };
  }

  test("lists the ids of objects that store data, page by page", async () => {
    const { asked, members, namedBy } = await list((url) =>
      url.searchParams.has("cursor")
        ? Response.json({
            result: [{ id: id(1), hasStoredData: true }],
            result_info: { cursor: "" },
          })
        : Response.json({
            result: [
              { id: id(3), hasStoredData: true },
              { id: id(2), hasStoredData: false },
            ],
            result_info: { cursor: "next page" },
          }),
    );
    expect({ members, namedBy }).toEqual({ members: [id(1), id(3)], namedBy: "id" });
    const path = `/client/v4/accounts/${namespace.accountId}/workers/durable_objects/namespaces/${namespace.namespaceId}/objects`;
    const headers = '{"authorization":"Bearer token"}';
    expect(asked).toEqual([
      `${path}?limit=10000 ${headers}`,
      `${path}?limit=10000&cursor=next+page ${headers}`,
    ]);
  });

  test.each([
    [403, "fleet-names-invalid", "status 403: no access"],
    [404, "fleet-names-invalid", "status 404: no access"],
    [302, "fleet-names-invalid", "status 302: no access"],
    [429, "source-unavailable", "status 429: no access"],
    [500, "source-unavailable", "status 500: no access"],
  ])("that the API answers with status %i fails with %s", async (status, code, message) => {
    const body = JSON.stringify({ errors: [{ message: "no access" }] });
    await expect(list(() => new Response(body, { status }))).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    });
  });

  test("needs a token, and survives an API that does not answer as a passing fault", async () => {
    await expect(list(() => expect.unreachable(), "")).rejects.toMatchObject({
      code: "configuration-invalid",
    });
    await expect(
      list(() => Promise.reject(new Error("network connection lost"))),
    ).rejects.toMatchObject({ code: "source-unavailable" });
    await expect(list(() => new Response("<html>"))).rejects.toMatchObject({
      code: "fleet-names-invalid",
    });
  });
});
