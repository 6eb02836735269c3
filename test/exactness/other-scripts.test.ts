import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as fc from "fast-check";
import { afterAll, expect, test } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { loadDump, type Loading } from "../support/load-dump.ts";
import { NAME_TRAPS } from "../support/name-traps.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { buildDatabase, databaseArbitrary, scriptOf } from "../support/random-database.ts";
import { hasShell } from "../support/restore-dump.ts";
import { TRAPS } from "../support/traps.ts";

const folder = mkdtempSync(join(tmpdir(), "scripts-"));
afterAll(() => rmSync(folder, { recursive: true }));

let files = 0;
const newPath = (): string => {
  files += 1;
  return join(folder, `${files}.db`);
};

const OPTIONS = { enableDoubleQuotedStringLiterals: true, defensive: false };

/** The shell's own dump of a database. */
function dumpByShell(build: (db: DatabaseSync) => void): Buffer {
  const path = newPath();
  const db = new DatabaseSync(path, OPTIONS);
  build(db);
  db.close();
  return execFileSync("sqlite3", [path, ".dump"], { maxBuffer: 1e9 });
}

/** What the shell loads from a script; undefined if a statement fails. */
function loadByShell(script: Uint8Array): DatabaseSync | undefined {
  const path = newPath();
  const options = ["-bail", "-cmd", ".dbconfig dqs_ddl on", "-cmd", ".dbconfig defensive off"];
  try {
    execFileSync("sqlite3", [...options, path], { input: script, stdio: ["pipe", "ignore", "pipe"] });
  } catch {
    return undefined;
  }
  return new DatabaseSync(path, OPTIONS);
}

/** How a script ends in a target like the platform's. */
async function loadOrRefuse(
  script: Uint8Array,
  loading: Partial<Loading> = {},
): Promise<{ target: DatabaseSync; refusal: ExportError | undefined }> {
  const target = openPlatformDatabase();
  target.exec("PRAGMA foreign_keys = ON");
  try {
    await loadDump(nodeSqliteSource(target), script, loading);
    return { target, refusal: undefined };
  } catch (error) {
    if (!(error instanceof ExportError)) throw error;
    return { target, refusal: error };
  }
}

/** Current versions of SQLite read some literals of reals as their neighbors, and the shell may be older. */
const MISREAD_REAL = /: (?:real|text|integer) \S+, not (?:real|integer|text) \S+$/;

async function findDifferences(
  build: (db: DatabaseSync) => void,
  loading?: Partial<Loading>,
): Promise<string[]> {
  const script = dumpByShell(build);
  const { target, refusal } = await loadOrRefuse(script, loading);
  if (refusal !== undefined) {
    expect(refusal.code).toMatch(/^(?:statement-failed|script-invalid)$/);
    expect(refusal.message).toMatch(
      /^statement \d+, line \d+|^the rows of "|^the virtual table ".*" cannot be restored/,
    );
    return REFUSABLE.test(refusal.message) || loadByShell(script) === undefined
      ? []
      : [refusal.message];
  }
  const expected = loadByShell(script);
  return expected === undefined
    ? ["the shell does not load its own dump"]
    : compareDatabases(expected, target).filter((each) => !MISREAD_REAL.test(each));
}

/** What the platform cannot hold, or a shell's dump does not contain. */
const REFUSABLE =
  /internal tables of the module|keeps no content|stores the locale|FOREIGN KEY constraint failed|foreign key mismatch|CHECK constraint failed|the script ends within/;

test.skipIf(!hasShell()).each(
  [...TRAPS, ...NAME_TRAPS].filter(({ notByShell }) => notByShell !== true),
)("loads what sqlite3 .dump writes of a database that $title", async (trap) => {
  const build = (db: DatabaseSync): void => {
    for (const statement of trap.script) db.exec(statement);
  };
  expect(await findDifferences(build)).toEqual([]);
});
