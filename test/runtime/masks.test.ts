import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";

import type { Manifest } from "../../src/api/manifest.ts";
import { api, download, emptyDatabase, ended, query, startExport } from "../support/api.ts";

const { SHOP_DB: shop } = env as unknown as { SHOP_DB: D1Database };

const SECRET = "planted-Zq7-secret";
const MASK = {
  users: {
    email: { template: "user-{rowid}@example.invalid" },
    phone: "null",
    name: "length",
    plan: { value: "free" },
  },
};
const MASKED = [
  { table: "users", column: "email", kind: "template" },
  { table: "users", column: "phone", kind: "null" },
  { table: "users", column: "name", kind: "length" },
  { table: "users", column: "plan", kind: "value" },
];
const CREATE =
  "CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE, phone, name TEXT, plan TEXT, note TEXT)";
const INSERT = `INSERT INTO users WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  SELECT i, '${SECRET}' || i, '${SECRET}', 'Ann 42 ' || char(1, 10) || '"é\\${SECRET}', '${SECRET}', 'note ' || i FROM n`;

beforeEach(async () => {
  await emptyDatabase();
  await query(
    CREATE,
    INSERT,
    "UPDATE users SET name = replace(hex(zeroblob(60000)), '00', name) WHERE id = 7",
  );
});

async function textOf(jobId: string): Promise<string> {
  return new TextDecoder().decode(await download(jobId));
}

describe("a masked export", () => {
  test.each(["sql", "csv", "json", "ndjson", "parquet"])(
    "contains no original in %s",
    async (format) => {
      const view = await ended((await startExport({ format, mask: MASK })).jobId);
      expect(view.error).toBe(null);
      expect(view.masked).toEqual(MASKED);
      const text = await textOf(view.jobId);
      expect(text).not.toContain("Zq7");
      expect(text).toContain("user-3000@example.invalid");
      expect(text).toContain("note 3000");
      expect(text).toContain("xxxx00xxx");
      const manifest = await (await api(`/export/dump/${view.jobId}/manifest`)).json<Manifest>();
      expect(manifest.masked).toEqual(MASKED);
    },
  );

  test("proves itself, and not its source", async () => {
    const view = await ended((await startExport({ mask: MASK, verify: "restore" })).jobId);
    expect(view.error).toBe(null);
    expect(view.proof).toMatchObject({ state: "proved", rows: 3000 });
  });

  test("of D1 contains no original", async () => {
    await shop.exec("DROP TABLE IF EXISTS users");
    await shop.exec(CREATE);
    await shop.prepare(INSERT).run();
    const view = await ended((await startExport({ source: "shop", mask: MASK })).jobId);
    expect(view.error).toBe(null);
    expect(await textOf(view.jobId)).not.toContain("Zq7");
    await shop.exec("DROP TABLE users");
  });

  test("masks a hundred columns", async () => {
    const names = Array.from({ length: 99 }, (_, at) => `c${at}`);
    await query(
      `CREATE TABLE wide (id INTEGER PRIMARY KEY, ${names.join(", ")})`,
      `INSERT INTO wide VALUES (1, ${names.map((_, at) => `'${SECRET}${at}'`).join(", ")})`,
    );
    const wide = Object.fromEntries(names.map((name) => [name, "length"]));
    const view = await ended(
      (await startExport({ mask: { wide }, tables: { include: ["wide"] } })).jobId,
    );
    expect(view.error).toBe(null);
    const text = await textOf(view.jobId);
    expect(text).not.toContain("Zq7");
    expect(text).toContain("'xxxxxxxxxx0xxxxxxx00'");
  });

  test("fails if a mask breaks a rule of the schema", async () => {
    const mask = { users: { email: "length" } };
    const view = await ended((await startExport({ mask })).jobId);
    expect(view).toMatchObject({ status: "failed", error: { code: "mask-invalid" } });
  });

  test.each<[unknown]>([
    [{ users: { email: "hash" } }],
    [{ users: { constructor: "null" } }],
    ["all"],
  ])("is refused at once if its masks are %j", async (mask) => {
    const response = await api("/export/dump", {
      method: "POST",
      body: JSON.stringify({ mask }),
    });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code: "invalid-request" });
  });
});

describe("a masked stream", () => {
  const queryOf = (mask: string): string => new URLSearchParams({ mask }).toString();

  test.each(["/export/dump?", "/export/csv/users?", "/export/json/users?"])(
    "contains no original: %s",
    async (path) => {
      const response = await api(`${path}${queryOf(JSON.stringify(MASK))}`);
      expect(response.status).toBe(200);
      const text = await response.text();
      expect(text).not.toContain("Zq7");
      expect(text).toContain("user-3000@example.invalid");
    },
  );

  test.each([
    ["{", "invalid-request"],
    ['{"nobody": {"a": "null"}}', "mask-invalid"],
  ])("is refused if its masks are %s", async (mask, code) => {
    const response = await api(`/export/dump?${queryOf(mask)}`);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ code });
  });
});
