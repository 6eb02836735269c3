import type { Random } from "./snapshot-writes.ts";
import type { WrittenTable } from "./snapshot-schemas.ts";

const TYPES = ["", "INTEGER", "INT", "INTEGER", "TEXT", "NUMERIC", "REAL", "TEXT COLLATE NOCASE"];
const CONFLICT_ACTIONS = ["", "", "", " ON CONFLICT REPLACE", " ON CONFLICT IGNORE"];

/** Columns of every random table, in addition to its key. */
const NAMES = ["a", "b", "c", "d"];

/**
 * A random table: UNIQUE columns and other indexes, CHECKs, generated columns, its own triggers,
 * and keys that SQLite cannot enforce. `others` are tables that a foreign key may reference.
 */
export function randomTable(random: Random, name: string, others: readonly string[]): WrittenTable {
  const key = random.of(["id INTEGER PRIMARY KEY", "id INTEGER PRIMARY KEY", "none", "a, b", "a"]);
  const conflictTargets = key.startsWith("id") ? ["id"] : key === "none" ? [] : [key];
  const columns = key.startsWith("id") ? ["id", ...NAMES] : NAMES;
  const referenceShare = random.of([0, 0, 0.3]);
  const definitions = NAMES.map((column) => {
    const parts = [column, random.of(TYPES)];
    if (random.isTrue(0.25)) {
      parts.push(`UNIQUE${random.of(CONFLICT_ACTIONS)}`);
      conflictTargets.push(column);
    }
    if (random.isTrue(0.15)) parts.push(`CHECK (${column} <> 3)`);
    if (random.isTrue(0.1)) {
      parts.push(`NOT NULL${random.of(CONFLICT_ACTIONS)} DEFAULT ${random.below(5)}`);
    }
    if (random.isTrue(referenceShare)) parts.push(referenceSql(random, [...others, name]));
    return parts.join(" ");
  });
  if (key.startsWith("id")) definitions.unshift(key);
  else if (key !== "none") definitions.push(`PRIMARY KEY (${key})`);
  if (random.isTrue(0.2)) {
    const generated = random.of(["a", "b", "a + 1", "b || 'x'"]);
    const kept = random.of(["VIRTUAL", "STORED", "STORED UNIQUE", "VIRTUAL UNIQUE"]);
    definitions.splice(NAMES.length, 0, `g AS (${generated}) ${kept}`);
  }
  const isKeyed = key !== "none" && !key.startsWith("id");
  const withoutRowid = isKeyed && random.isTrue(0.5) ? " WITHOUT ROWID" : "";
  const script = [`CREATE TABLE ${name}(${definitions.join(", ")})${withoutRowid}`];
  for (let n = random.below(3); n > 0; n -= 1) {
    const unique = random.isTrue(0.3) ? "UNIQUE " : "";
    const terms = random.of(["a", "b", "c", "d", "a, b", "c DESC, a", "lower(b)", "d, c"]);
    const where = random.isTrue(0.2) ? " WHERE c IS NOT NULL" : "";
    script.push(`CREATE ${unique}INDEX ${name}_${n} ON ${name}(${terms})${where}`);
  }
  if (random.isTrue(0.25)) script.push(triggerSql(random, name));
  return { name, script, columns, conflictTargets };
}

/** A foreign key, whose parent may be missing, or have no UNIQUE column of that name. */
function referenceSql(random: Random, parents: string[]): string {
  const parent = random.of([...parents, ...parents, "missing"]);
  const column = random.of(["", "(a)", "(b)", "(id)", "(nothing)"]);
  const action = random.of([
    "",
    "",
    " ON DELETE CASCADE",
    " ON DELETE SET NULL ON UPDATE CASCADE",
    " ON UPDATE SET DEFAULT",
    " DEFERRABLE INITIALLY DEFERRED",
  ]);
  return `REFERENCES ${parent}${column}${action}`;
}

function triggerSql(random: Random, name: string): string {
  const when = random.of(["BEFORE", "AFTER"]);
  const event = random.of(["INSERT", "UPDATE", "UPDATE OF a", "UPDATE OF c", "DELETE"]);
  const row = event === "DELETE" ? "OLD" : "NEW";
  const raise = random.of(["IGNORE", "ABORT, 'no'", "FAIL, 'no'", "ROLLBACK, 'no'"]);
  const body = random.of([
    `SELECT RAISE(${raise}) WHERE ${row}.b = 2`,
    `UPDATE ${name} SET d = ${row}.c WHERE a = ${row}.b AND c = 1`,
    `DELETE FROM ${name} WHERE a = 5 AND b = ${row}.b`,
    `INSERT OR IGNORE INTO ${name}(a, b) SELECT ${row}.a + 1, 7 WHERE ${row}.c = 4`,
  ]);
  return `CREATE TRIGGER ${name}_t ${when} ${event} ON ${name} BEGIN ${body}; END`;
}
