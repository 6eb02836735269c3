import type { DatabaseSync } from "node:sqlite";
import { env } from "node:process";
import * as fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { comparisonOf } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { Platform } from "../support/platform.ts";
import { databaseArbitrary, scriptOf } from "../support/random-database.ts";
import type { Trap } from "../support/traps.ts";
import { TRAPS } from "../support/traps.ts";

const databases = Number(env["EXACTNESS_RESTORE_RUNS"] ?? 100);
const seed = Number(env["EXACTNESS_SEED"] ?? 20_261_129);

/** D1 databases for the tests that are neither a trap nor random; more than there are. */
const OTHERS = 20;
const traps = TRAPS.filter((trap) => trap.nodeOnly !== true);

const KINDS = ["object", "StarbaseDB", "D1"] as const;
const COMPRESSIONS = ["none", "gzip", "zstd"] as const;

let platform: Platform;

beforeAll(async () => {
  platform = await Platform.start(traps.length + databases + OTHERS);
}, 60_000);

afterAll(async () => {
  await platform.stop();
});

/** Restores a database into every kind of target; returns the differences, in sentences. */
async function findDifferences(name: string, script: string[], at: number): Promise<string[]> {
  const { id } = await platform.buildObject(name, script);
  const dump = await platform.dumpObject(name);
  const source = platform.openObject(id);
  const differences: string[] = [];
  for (const [n, kind] of KINDS.entries()) {
    const compression = COMPRESSIONS[(at + n) % 3] as (typeof COMPRESSIONS)[number];
    const how = { compression, textBytesMax: at % 2 === 0 ? 1e9 : 20_000 };
    const { file, difference, pieces } = await platform.restore(name, kind, how);
    if (kind === "StarbaseDB") dropTables(file, source);
    const found = compareDatabases(source, file, comparisonOf(dump));
    if (difference !== null) found.push(`verified: ${difference.message}`);
    else if (pieces !== 4) found.push(`${pieces} of 4 pieces were compared`);
    differences.push(...found.map((each) => `in ${kind}, ${compression}: ${each}`));
    file.close();
  }
  source.close();
  return differences;
}

/** Drops the tables that StarbaseDB's class makes, which a dump of another class lacks. */
function dropTables(db: DatabaseSync, source: DatabaseSync): void {
  const names = db
    .prepare(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'tmp\\_%' ESCAPE '\\'",
    )
    .all()
    .map(({ name }) => String(name));
  const has = source.prepare("SELECT 1 FROM sqlite_master WHERE name = ?");
  for (const name of names) if (has.get(name) === undefined) db.exec(`DROP TABLE "${name}"`);
  if (has.get("sqlite_sequence") === undefined) {
    db.enableDefensive(false);
    db.exec(
      "PRAGMA writable_schema = ON; DELETE FROM sqlite_master WHERE name = 'sqlite_sequence'",
    );
  }
}

function isAllowed({ differs }: Trap, difference: string): boolean {
  return differs?.test(difference.replace(/^in \w+, \w+: /, "")) === true;
}

describe("a dump, restored into a Durable Object, StarbaseDB and D1, equals its source", () => {
  test.each(traps.map((trap, at) => ({ ...trap, at })))("$title", async (trap) => {
    const differences = await findDifferences(trap.title, trap.script, trap.at);
    expect(differences.filter((each) => !isAllowed(trap, each))).toEqual([]);
  });

  test("StarbaseDB's own tables, which the source has in another order", async () => {
    const own = (name: string): string =>
      `CREATE TABLE tmp_${name}(id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT)`;
    const differences = await findDifferences(
      "another order",
      [
        "CREATE TABLE first(a)",
        own("cron_tasks"),
        "CREATE TABLE second(a REFERENCES third(id))",
        "CREATE TABLE third(id INTEGER PRIMARY KEY AUTOINCREMENT)",
        own("cache"),
        "INSERT INTO tmp_cron_tasks(entry) VALUES ('every night'), ('every noon')",
        "INSERT INTO third VALUES (7)",
        "INSERT INTO second VALUES (7)",
        "INSERT INTO tmp_cache VALUES (5, NULL)",
      ],
      0,
    );
    expect(differences).toEqual([]);
  });

  test(`${databases} random databases (seed ${seed})`, async () => {
    const shapes = fc.sample(databaseArbitrary, { numRuns: databases, seed });
    for (const [at, shape] of shapes.entries()) {
      const differences = await findDifferences(`random ${at}`, scriptOf(shape), at);
      expect(differences, `database ${at} of seed ${seed}`).toEqual([]);
    }
  }, 600_000);
});
