import { execFileSync } from "node:child_process";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { nodeSqliteSource } from "../support/node-sqlite-source.ts";
import { randomReals } from "../support/random-reals.ts";
import { hasShell, restoreByShell, restoreScript } from "../support/restore-dump.ts";

const REALS = 4_000;

function databaseOf(reals: Iterable<number>): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec("CREATE TABLE reals(id INTEGER PRIMARY KEY, r REAL, n NUMERIC, u); BEGIN");
  const insert = db.prepare("INSERT INTO reals(r, n, u) VALUES (?1, ?1, ?1)");
  for (const real of reals) insert.run(real);
  db.exec("COMMIT");
  return db;
}

test.each(["coordinates", "decimals", "random", "subnormal", "largest"] as const)(
  `loads ${REALS} reals in a current SQLite and in the sqlite3 shell to their last bit: %s`,
  async (kind) => {
    const source = databaseOf(randomReals(kind, REALS, 20_261_128));
    const { bytes } = await dumpDatabase(nodeSqliteSource(source));

    expect(compareDatabases(source, restoreScript(bytes)).slice(0, 3)).toEqual([]);
    if (hasShell()) expect(compareDatabases(source, restoreByShell(bytes)).slice(0, 3)).toEqual([]);
  },
);

test("writes prices and whole numbers as decimals, and what could be misread as a quotient", async () => {
  const source = databaseOf([12.34, -0.5, 1_732_812_345_678, 26.819604, 0.1 + 0.2, 1e-9]);
  const { bytes } = await dumpDatabase(nodeSqliteSource(source));
  const rows = Buffer.from(bytes)
    .toString("utf8")
    .matchAll(/\(\d,([^,]+)/g);

  expect([...rows].map(([, real]) => real)).toEqual([
    "12.34",
    "-0.5",
    "1732812345678.0",
    "26819604/1e6",
    "300000000000000064/1e18",
    "1000000000/1e18",
  ]);
});

test("writes a decimal that sqlite3 3.40 misreads so that it reads the same double", () => {
  if (!hasShell()) return;
  const [misread, read] = ["-26.819604", "-26819604/1e6"].map((sql) =>
    execFileSync("sqlite3", [":memory:", `SELECT quote(${sql})`], { encoding: "utf8" }).trim(),
  );

  expect(Number(read)).toBe(-26.819604);
  expect([-26.819604, -26.819603999999998]).toContain(Number(misread));
});
