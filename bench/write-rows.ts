/** What runs a statement of the writer, and waits for it. */
type Run = (sql: string) => Promise<unknown>;

const WRITE_PAUSE_MS = 2;

/**
 * Returns the milliseconds that each write of one row took, for a period of `ms`. `options` are
 * `ms` and `rows`, the number of accounts. From outside, every hop of an HTTP request would wait
 * for the runtime's one thread, which no deployment has.
 */
export async function writeRows(run: Run, options: URLSearchParams): Promise<number[]> {
  const rows = Number(options.get("rows"));
  const endMs = performance.now() + Number(options.get("ms"));
  const latencies: number[] = [];
  // A database's file is created by its first statement.
  await run("SELECT 1");
  while (performance.now() < endMs) {
    const id = 1 + Math.floor(Math.random() * rows);
    const startMs = performance.now();
    await run(`UPDATE accounts SET balance = balance + 1 WHERE id = ${id}`);
    latencies.push(performance.now() - startMs);
    await scheduler.wait(WRITE_PAUSE_MS);
  }
  return latencies;
}
