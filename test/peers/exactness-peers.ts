import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { compareDatabases } from "../support/compare-databases.ts";
import { openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { Platform } from "../support/platform.ts";
import { splitStatements } from "../support/sql-statements.ts";
import { type Trap, TRAPS } from "../support/traps.ts";

/**
 * Runs each trap through `sqlite3 .dump` and `wrangler d1 export --local`, restores what comes out,
 * and prints what differs: the peers' columns of docs/exactness.md.
 */
const traps = TRAPS.filter((trap) => trap.nodeOnly !== true);
const platform = await Platform.start(traps.length);
writeFileSync(
  join(platform.folder, "wrangler.json"),
  JSON.stringify({
    name: "exactness",
    compatibility_date: "2026-11-01",
    d1_databases: traps.map((_, n) => ({
      binding: `D1_${n}`,
      database_name: `d1-${n}`,
      database_id: `d1-${n}`,
    })),
  }),
);
try {
  for (const [at, trap] of traps.entries()) {
    console.log(`## ${trap.title}`);
    console.log(`sqlite3 .dump: ${throughShell(trap)}`);
    console.log(`wrangler d1 export: ${await throughWrangler(trap, at)}`);
  }
} finally {
  await platform.stop();
}

/** By the shell both ways, which may be older than Node's SQLite. */
function throughShell(trap: Trap): string {
  const folder = mkdtempSync(join(tmpdir(), "peers-"));
  try {
    const path = join(folder, "source.db");
    const source = openPlatformDatabase(path);
    for (const statement of trap.script) source.exec(statement);
    const dump = spawnSync("sqlite3", [path, ".dump"], { maxBuffer: 2 ** 30 });
    if (dump.status !== 0) return `no dump: ${dump.stderr.toString().slice(0, 300)}`;
    const restored = join(folder, "restored.db");
    const load = spawnSync("sqlite3", ["-bail", restored], { input: dump.stdout });
    const errors = load.stderr.toString().trim();
    if (errors !== "") return `does not load: ${errors.slice(0, 300)}`;
    const long = longStatements(dump.stdout.toString("latin1"));
    return `${verdict(source, new DatabaseSync(restored), trap)}${long}`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The export is loaded as D1 loads it: statement by statement, in one transaction, within its limits. */
async function throughWrangler(trap: Trap, at: number): Promise<string> {
  const { file: source } = await platform.restoreD1(trap.script);
  const output = join(platform.folder, `export-${at}.sql`);
  try {
    execFileSync("wrangler", ["d1", "export", `d1-${at}`, "--local", "--output", output, "-y"], {
      cwd: platform.folder,
      stdio: "pipe",
    });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: Buffer; stderr: Buffer };
    const lines = `${stdout.toString()}\n${stderr.toString()}`;
    return `no export: ${/ERROR[^\n]*/.exec(lines)?.[0] ?? lines.slice(0, 300)}`;
  }
  const script = readFileSync(output, "utf8");
  const restored = openPlatformDatabase();
  restored.exec("BEGIN");
  for (const statement of splitStatements(script)) {
    try {
      restored.exec(statement);
    } catch (error) {
      return `does not load: ${String(error)}: ${statement.trim().slice(0, 100)}`;
    }
  }
  restored.exec("COMMIT");
  return verdict(source, restored, trap);
}

function verdict(source: DatabaseSync, restored: DatabaseSync, trap: Trap): string {
  try {
    const differences = compareDatabases(source, restored);
    if (differences.length > 0) return differences.slice(0, 3).join(" | ").slice(0, 700);
    for (const query of trap.queries ?? []) {
      const answers = [source, restored].map((db) => {
        const statement = db.prepare(query);
        statement.setReadBigInts(true);
        return JSON.stringify(statement.all(), (_, value: unknown) =>
          typeof value === "bigint" ? String(value) : value,
        );
      });
      if (answers[0] !== answers[1]) return `${query} gives ${answers[1]}, not ${answers[0]}`;
    }
    return "exact";
  } catch (error) {
    return String(error).slice(0, 300);
  }
}

function longStatements(script: string): string {
  const longest = Math.max(...splitStatements(script).map((statement) => statement.length));
  return longest > 100_000 ? ` (a statement of ${longest} bytes, which D1 refuses)` : "";
}
