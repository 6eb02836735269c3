import type { ExportClient } from "../../../src/client/export-client.ts";
import {
  type BackedUpWorker,
  copied,
  exported,
  object,
  startBackedUpWorker,
} from "./backed-up-worker.ts";
import { copyJob, inJobsDatabase, moveJob } from "./jobs-database.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Nights of the history in which the shop was exported, growing. */
const NIGHTS = 21;

const SOURCES = {
  shop: object("sql-durable-object"),
  billing: object("billing", { writable: true }),
  archive: object("archive", { writable: true }),
  sessions: object("sessions", { writable: true }),
  staging: object("staging", { writable: true }),
  tenants: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    names: "any",
    writable: true,
  },
};

/** A Worker that backs up a small company's databases. */
export interface ShopWorker extends BackedUpWorker {
  /** Jobs that pictures show. */
  jobs: { proved: string; failed: string; restore: string; last: string };
  /** Starts an export that takes some seconds, and returns its job. */
  startLong: () => Promise<string>;
}

const CREATE = [
  "CREATE TABLE customers(id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, since TEXT)",
  "CREATE TABLE products(id INTEGER PRIMARY KEY, name TEXT NOT NULL, cents INTEGER NOT NULL)",
  "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer_id INTEGER REFERENCES customers(id), placed TEXT, note TEXT)",
  "CREATE TABLE order_lines(order_id INTEGER REFERENCES orders(id), product_id INTEGER REFERENCES products(id), count INTEGER, PRIMARY KEY(order_id, product_id)) WITHOUT ROWID",
  "CREATE INDEX orders_by_customer ON orders(customer_id)",
];

const count = (last: number): string =>
  `WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${last})`;

/** A day of the shop, more on every seventh. */
function growShop(night: number): string[] {
  const orders = 250 + night * 12 + (night % 7 === 0 ? 400 : 0);
  return [
    `INSERT INTO customers(name, email, since) ${count(60)} SELECT 'Customer ' || i, 'c' || ${night} || '-' || i || '@example.com', date('2026-11-01', '+${night} days') FROM n`,
    `INSERT INTO orders(customer_id, placed, note) ${count(orders)} SELECT 1 + abs(random()) % (SELECT max(id) FROM customers), datetime('2026-11-01', '+${night} days', '+' || i || ' minutes'), hex(randomblob(24)) FROM n`,
    "INSERT OR IGNORE INTO order_lines SELECT o.id, 1 + abs(random()) % 40, 1 + abs(random()) % 5 FROM orders o WHERE o.id > (SELECT coalesce(max(order_id), 0) FROM order_lines)",
  ];
}

async function run(client: ExportClient, statements: readonly string[]): Promise<void> {
  await client.transaction(statements.map((sql) => ({ sql })));
}

/** Starts the Worker, with three weeks of history. */
export async function startShopWorker(): Promise<ShopWorker> {
  const jobs = { proved: "", failed: "", restore: "", last: "" };
  const nightly: string[] = [];
  const others: { jobId: string; nights: number }[] = [];
  const worker = await startBackedUpWorker(
    async (client) => {
      await run(client, [
        ...CREATE,
        `INSERT INTO products(name, cents) ${count(40)} SELECT 'Product ' || i, i * 125 FROM n`,
      ]);
      for (let night = 0; night < NIGHTS; night += 1) {
        await run(client, growShop(night));
        const isLast = night === NIGHTS - 1;
        const { jobId } = await exported(client, {
          source: "shop",
          compression: "gzip",
          retentionHours: 720,
          ...(isLast ? { verify: "restore" as const } : {}),
        });
        nightly.push(jobId);
        if (night === 2) await copied(client, jobId, { target: "tenants", name: "acme" });
        if (night === 4) await copied(client, jobId, { target: "tenants", name: "globex" });
        if (night === 8) await copied(client, jobId, { target: "billing" });
        if (night === 6) await copied(client, jobId, { target: "sessions" });
        if (night === 12) await copied(client, jobId, { target: "archive" });
      }
      const backUp = async (
        request: Parameters<ExportClient["start"]>[0],
        nights: number,
      ): Promise<string> => {
        const { jobId } = await exported(client, {
          compression: "gzip",
          retentionHours: 720,
          ...request,
        });
        if (nights > 0) others.push({ jobId, nights });
        return jobId;
      };
      await backUp({ source: "billing" }, NIGHTS);
      await backUp({ source: "tenants", name: "acme" }, 14);
      jobs.last = await backUp({ source: "tenants", name: "globex", format: "csv" }, 0);
      await backUp({ source: "archive", compression: "zstd", verify: "restore" }, 5);
      await backUp({ source: "sessions" }, 3);
      jobs.failed = await backUp(
        { source: "sessions", tables: { include: ["orders", "session_tokens"] } },
        0,
      );
      jobs.proved = nightly.at(-1) ?? "";
      const restore = await client.restore({ from: { jobId: jobs.proved }, target: "staging" });
      jobs.restore = (await client.waitForRestore(restore.jobId)).jobId;
      await run(client, [
        "CREATE TABLE events(id INTEGER PRIMARY KEY, body TEXT)",
        `INSERT INTO events(body) ${count(12_000)} SELECT hex(randomblob(400)) FROM n`,
      ]);
    },
    (persistTo) =>
      inJobsDatabase(persistTo, (db) => {
        const lastNightMs = Date.now() - 5 * HOUR_MS;
        const nightsAgo = (nights: number): number => lastNightMs - nights * DAY_MS;
        for (const [at, jobId] of nightly.entries()) {
          moveJob(db, jobId, nightsAgo(NIGHTS - 1 - at));
        }
        for (const { jobId, nights } of others) {
          const before = Array.from({ length: nights - 1 }, (_, at) => nightsAgo(at + 1));
          copyJob(db, jobId, before);
          moveJob(db, jobId, nightsAgo(0) + 60_000);
        }
        moveJob(db, jobs.failed, nightsAgo(0) + 120_000);
        moveJob(db, jobs.last, nightsAgo(0) + 90_000);
      }),
    { EXPORT_SOURCES: JSON.stringify(SOURCES) },
    // With many steps, a running export can be seen.
    { EXPORT_CHUNK_BYTES: "262144", EXPORT_ONE_TURN_BYTES: "0" },
  );
  const startLong = async (): Promise<string> => {
    return (await worker.client.start({ source: "shop", compression: "gzip" })).jobId;
  };
  return { ...worker, jobs, startLong };
}
