import { emptyDatabase, query } from "./api.ts";

/** The warnings of a dump of `fillBrokenChecks`. */
export const CHECK_WARNINGS = [
  'table "large" has rows that violate CONSTRAINT "positive" CHECK (n > 0): they load only if CHECK is ignored',
  'table "small" has rows that violate CHECK (state IN ("new", "done")): they load only if CHECK is ignored',
];

/** Fills the embedded database with rows that violate CHECKs of their tables. */
export async function fillBrokenChecks(): Promise<void> {
  await emptyDatabase();
  await query(
    "PRAGMA ignore_check_constraints = ON",
    "CREATE TABLE large(id INTEGER PRIMARY KEY, n INT, x, CONSTRAINT positive CHECK (n > 0), CHECK (x <> 5))",
    "INSERT INTO large WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT i, i, hex(zeroblob(300)) FROM n",
    "UPDATE large SET n = -n WHERE id IN (5, 1500, 2999)",
    'CREATE TABLE small(state TEXT CHECK (state IN ("new", "done")))',
    "INSERT INTO small VALUES ('new'), ('old')",
    "CREATE TABLE fine(n CHECK (n > 0))",
    "INSERT INTO fine VALUES (1)",
    "PRAGMA ignore_check_constraints = OFF",
  );
}

/** Leaves out the warning about SQL in double quotes. */
export function checkWarnings(warnings: readonly string[]): string[] {
  return warnings.filter((warning) => !warning.includes("dqs_ddl")).sort();
}
