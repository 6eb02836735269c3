import { env, exports } from "cloudflare:workers";

import type { JobView } from "../../src/api/job-view.ts";

const ORIGIN = "https://export.example.com";
const TOKEN = "test-admin-token-0123456789";

/** Calls the Worker under test, with the full-access token unless a header says otherwise. */
export function api(
  path: string,
  init: RequestInit = {},
  origin: string = ORIGIN,
): Promise<Response> {
  const headers = new Headers(init.headers);
  if (!headers.has("authorization")) headers.set("authorization", `Bearer ${TOKEN}`);
  const worker = exports.default as unknown as Fetcher;
  return worker.fetch(`${origin}${path}`, { ...init, headers });
}

/** Runs statements in the embedded database, all or nothing. */
export async function query(...sql: string[]): Promise<void> {
  for (const each of sql) {
    const response = await api("/query", { method: "POST", body: JSON.stringify({ sql: each }) });
    if (!response.ok) throw new Error(`${each.slice(0, 200)}: ${await response.text()}`);
    await response.body?.cancel();
  }
}

/** Drops every table and view of the embedded database. */
export async function emptyDatabase(): Promise<void> {
  const response = await api("/query", {
    method: "POST",
    body: JSON.stringify({
      sql: "SELECT type, name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE '\\_cf\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_mini%' ESCAPE '\\' AND sql IS NOT NULL",
    }),
  });
  const { result } = await response.json<{ result: { type: string; name: string }[] }>();
  for (const { type, name } of result) {
    await query(`DROP ${type} IF EXISTS "${name.replaceAll('"', '""')}"`).catch(() => {});
  }
}

/**
 * Returns this project's objects in the embedded database: none, except while a snapshot is open.
 */
export async function snapshotObjects(): Promise<{ name: string }[]> {
  const database = env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");
  const sql = "SELECT name FROM sqlite_master WHERE substr(name, 1, 10) = 'tmp_export'";
  return (await database.executeQuery({ sql })) as unknown as { name: string }[];
}

/**
 * Creates the table `t` in an empty database: rows that hardly compress, so that several parts are
 * written.
 */
export async function fillNoise({
  rows,
  rowBytes,
}: {
  rows: number;
  rowBytes: number;
}): Promise<void> {
  await emptyDatabase();
  await query(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, noise BLOB)",
    `INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
     SELECT i, randomblob(${rowBytes}) FROM n`,
  );
}

/** Starts an export; the answer must be 202. */
export async function startExport(body: object = {}, headers: HeadersInit = {}): Promise<JobView> {
  const response = await api("/export/dump", {
    method: "POST",
    body: JSON.stringify(body),
    headers,
  });
  if (response.status !== 202) throw new Error(`${response.status}: ${await response.text()}`);
  return response.json<JobView>();
}

/** Returns the job's view after it has ended. */
export async function ended(jobId: string): Promise<JobView> {
  for (;;) {
    const response = await api(`/export/dump/${jobId}`);
    const view = await response.json<JobView>();
    if (view.status !== "queued" && view.status !== "running") return view;
    await scheduler.wait(50);
  }
}

/** The bytes of a finished job's artifact. */
export async function download(jobId: string): Promise<Uint8Array> {
  const response = await api(`/export/dump/${jobId}/download`);
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return new Uint8Array(await response.arrayBuffer());
}

export async function sha256Of(bytes: Uint8Array): Promise<string> {
  return new Uint8Array(
    await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>),
  ).reduce((hex, byte) => hex + byte.toString(16).padStart(2, "0"), "");
}
