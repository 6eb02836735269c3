/** A statement that fills a tenant's database, with the values that it binds. */
interface TenantStatement {
  sql: string;
  params?: (string | number)[];
}

/** What the demo's Worker makes: the tenants from number `from` up to `to`, each with so many notes. */
export interface TenantRange {
  from: number;
  /** The first number that is not made. */
  to: number;
  notes: number;
}

/** Returns the name of tenant `number`. */
export function nameTenant(number: number): string {
  return `tenant-${String(number).padStart(5, "0")}`;
}

/** Returns the statements that make a tenant's database: the same for the same name, in any SQLite. */
export function buildTenant(name: string, notes: number): TenantStatement[] {
  return [
    { sql: "CREATE TABLE notes(id INTEGER PRIMARY KEY, text TEXT, weight, photo BLOB)" },
    { sql: "CREATE TABLE settings(key TEXT PRIMARY KEY, value) WITHOUT ROWID" },
    { sql: "CREATE INDEX notes_by_weight ON notes(weight)" },
    {
      sql:
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2) " +
        "INSERT INTO notes SELECT i, ?1 || ': it''s note ' || i || char(10), i / 8.0, " +
        "CAST(?1 || i AS BLOB) FROM n",
      params: [name, notes],
    },
    { sql: "INSERT INTO settings VALUES ('name', ?), ('big', 9007199254740993)", params: [name] },
  ];
}
