// Loads an SQL dump into the Durable Object that answers a Worker's `POST /query`:
//
//   npx node examples/restore/into-durable-object.ts dump.sql https://export.example.com
//
// `npx node` is the Node that `npm ci` installed here. Your own must be 22.18 or newer, or 22.6 or
// newer with `--experimental-strip-types`, because this is TypeScript.
//
// The environment variable DURABLE_EXPORT_TOKEN contains the token. The script sends statements in order, many per
// transaction. A transaction that fails ends the restore, and those before it stay. Entries of the object's key-value
// storage are statements too: a class that extends withExport stores them, and any other class ignores them.
//
// The object may already have empty tables that the dump creates with the same text, as a new StarbaseDB has. The
// script loads their rows.
import { createReadStream } from "node:fs";

import { splitScript } from "../../src/sqlite/statement-splitter.ts";

/** A body may have 1 MiB, and a statement has at most 100,000 bytes. */
const BODY_BYTES_MAX = 900_000;
const STATEMENTS_MAX = 1_000;

const [path, url] = process.argv.slice(2);
const token = process.env["DURABLE_EXPORT_TOKEN"];
if (path === undefined || url === undefined || token === undefined) {
  console.error("usage: DURABLE_EXPORT_TOKEN=… npx node into-durable-object.ts <dump.sql> <url>");
  process.exit(2);
}

/**
 * Enforced foreign keys wait for the end of a transaction, and each transaction must enable this
 * again.
 */
const DEFER = { sql: "PRAGMA defer_foreign_keys=ON" };

let queries = [DEFER];
let bytes = 0;
let total = 0;
const existing = await findTables();
for await (const { bytes: text, start } of splitScript(createReadStream(path))) {
  const sql = new TextDecoder().decode(text.subarray(start));
  if (existing.has(sql.slice(0, -1))) continue;
  const length = Buffer.byteLength(JSON.stringify(sql));
  if (bytes + length > BODY_BYTES_MAX || queries.length >= STATEMENTS_MAX) await send();
  queries.push({ sql });
  bytes += length;
}
await send();
console.log(`${total} statements`);

async function post(body: object): Promise<{ result: Record<string, unknown>[] }> {
  const response = await fetch(new URL("/query", url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  if (!response.ok) {
    console.error(`after ${total} statements: ${await response.text()}`);
    process.exit(1);
  }
  return response.json<{ result: Record<string, unknown>[] }>();
}

/** The CREATE statements of the object's tables. Ends the restore if one of them has rows. */
async function findTables(): Promise<Set<string>> {
  const tables = await post({
    sql:
      "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND sql IS NOT NULL " +
      "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'",
  });
  for (const { name } of tables.result) {
    const quoted = `"${String(name).replaceAll('"', '""')}"`;
    const { result } = await post({ sql: `SELECT 1 FROM ${quoted} LIMIT 1` });
    if (result.length === 0) continue;
    console.error(`the object is not empty: table ${quoted} has rows`);
    process.exit(1);
  }
  return new Set(tables.result.map(({ sql }) => String(sql)));
}

async function send(): Promise<void> {
  await post({ transaction: queries });
  total += queries.length - 1;
  queries = [DEFER];
  bytes = 0;
}
