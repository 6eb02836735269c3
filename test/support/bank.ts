import { env } from "cloudflare:workers";

import { download, query } from "./api.ts";
import { splitStatements } from "./sql-statements.ts";

export const ACCOUNTS = 150_000;
const BALANCE = 1_000;

const database = () => env.DATABASE_DURABLE_OBJECT.getByName("sql-durable-object");

/** Returns rows of an object of the embedded class; of the exported one if none is named. */
export async function rowsOf(sql: string, name = "sql-durable-object"): Promise<unknown[]> {
  const object = env.DATABASE_DURABLE_OBJECT.getByName(name);
  return (await object.executeQuery({ sql })) as unknown[];
}

/** Creates accounts with money, and a ledger of what was moved between them. */
export async function openBank(): Promise<void> {
  await query(
    "CREATE TABLE accounts(id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0), note TEXT)",
    "CREATE TABLE ledger(n INTEGER PRIMARY KEY, debit INTEGER, credit INTEGER, amount INTEGER)",
    `INSERT INTO accounts WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ACCOUNTS})
     SELECT i, ${BALANCE}, hex(zeroblob(60)) FROM n`,
  );
}

async function transfer(): Promise<void> {
  const [debit, credit] = [1, 2].map(() => 1 + Math.floor(Math.random() * ACCOUNTS));
  const amount = Math.floor(Math.random() * 10);
  await database().executeTransaction(
    [
      { sql: `UPDATE accounts SET balance = balance - ${amount} WHERE id = ${debit}` },
      { sql: `UPDATE accounts SET balance = balance + ${amount} WHERE id = ${credit}` },
      { sql: `INSERT INTO ledger(debit, credit, amount) VALUES (${debit}, ${credit}, ${amount})` },
    ],
    false,
  );
}

/**
 * Moves money continuously, with `writers` in parallel; a transfer that an abort interrupts is
 * ignored.
 */
export function startTransfers(writers: number): {
  readonly count: number;
  stop: () => Promise<void>;
} {
  const end = new AbortController();
  let count = 0;
  const running = Array.from({ length: writers }, async () => {
    while (!end.signal.aborted) {
      for (let n = 0; n < 10; n += 1) {
        await transfer().then(
          () => (count += 1),
          (error: unknown) => {
            if (!/abort|reset|evict/i.test(String(error))) throw error;
          },
        );
      }
      // Work that stays within the process would keep the local runtime from polling the network.
      await scheduler.wait(1);
    }
  });
  return {
    get count() {
      return count;
    },
    stop: async () => {
      end.abort();
      await Promise.all(running);
    },
  };
}

/**
 * Loads a job's dump into a new object, `restored-<jobId>`; returns evidence that it is not one
 * instant.
 */
export async function bankProblems(jobId: string): Promise<string[]> {
  const name = `restored-${jobId}`;
  const object = env.DATABASE_DURABLE_OBJECT.getByName(name);
  const text = new TextDecoder().decode(await download(jobId));
  const statements = splitStatements(text).map((sql) => ({ sql }));
  for (let at = 0; at < statements.length; at += 200) {
    await object.executeTransaction(statements.slice(at, at + 200), false);
  }
  await rowsOf("CREATE INDEX c ON ledger(credit)", name);
  await rowsOf("CREATE INDEX d ON ledger(debit)", name);
  const [sums] = (await rowsOf(
    "SELECT count(*) AS accounts, sum(balance) AS total FROM accounts",
    name,
  )) as { accounts: number; total: number }[];
  const disagreeing = await rowsOf(
    `SELECT id FROM accounts WHERE balance <> ${BALANCE}
       + coalesce((SELECT sum(amount) FROM ledger WHERE credit = id), 0)
       - coalesce((SELECT sum(amount) FROM ledger WHERE debit = id), 0)`,
    name,
  );
  return [
    ...(sums?.accounts === ACCOUNTS ? [] : [`there are ${sums?.accounts} accounts`]),
    ...(sums?.total === ACCOUNTS * BALANCE ? [] : [`the accounts hold ${sums?.total}`]),
    ...(disagreeing.length === 0
      ? []
      : [`${disagreeing.length} accounts disagree with the ledger`]),
  ];
}
