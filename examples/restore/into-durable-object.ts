// Loads an SQL dump into the Durable Object behind a Worker's `POST /query`:
//
//   node examples/restore/into-durable-object.ts dump.sql https://export.example.com
//
// The token stands in the environment as DURABLE_EXPORT_TOKEN. Statements go in order, many to a
// transaction; a transaction that fails ends the restore, and those before it stay.
import { createReadStream } from "node:fs";

import { statementBatches } from "../../cli/sql-statements.ts";

/** A body may have 1 MiB, and a statement has 100,000 bytes at most. */
const BODY_BYTES_MAX = 900_000;
const STATEMENTS_MAX = 1_000;

const [path, url] = process.argv.slice(2);
const token = process.env["DURABLE_EXPORT_TOKEN"];
if (path === undefined || url === undefined || token === undefined) {
  console.error("usage: DURABLE_EXPORT_TOKEN=… node into-durable-object.ts <dump.sql> <url>");
  process.exit(2);
}

/** Enforced foreign keys wait for the end of a transaction, and each transaction begins anew. */
const DEFER = { sql: "PRAGMA defer_foreign_keys=ON" };

let queries = [DEFER];
let bytes = 0;
let total = 0;
for await (const statement of statementBatches(createReadStream(path), 1)) {
  const sql = statement.toString().trim();
  if (sql === "") continue;
  const length = Buffer.byteLength(JSON.stringify(sql));
  if (bytes + length > BODY_BYTES_MAX || queries.length >= STATEMENTS_MAX) await send();
  queries.push({ sql });
  bytes += length;
}
await send();
console.log(`${total} statements`);

async function send(): Promise<void> {
  const response = await fetch(new URL("/query", url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ transaction: queries }),
  });
  if (!response.ok) {
    console.error(`after ${total} statements: ${await response.text()}`);
    process.exit(1);
  }
  await response.body?.cancel();
  total += queries.length - 1;
  queries = [DEFER];
  bytes = 0;
}
