/** The methods of StarbaseDB's class; without `isRaw`, rows are objects. */
interface StarbaseObject {
  executeQuery(query: { sql: string; params?: unknown[] }): Promise<unknown>;
}

type Row = Record<string, unknown>;

/**
 * Does what StarbaseDB's own `GET /export/dump` does, for comparison: it reads each table with one SELECT, makes one
 * string of all of them, and quotes text. Returns the length of the string. Errors: the runtime's own, for instance
 * because an answer of more than 32 MiB does not cross RPC.
 */
export async function dumpLikeStarbase(object: StarbaseObject): Promise<{ bytes: number }> {
  const query = async (sql: string): Promise<Row[]> =>
    (await object.executeQuery({ sql, params: [] })) as Row[];
  const tables = await query("SELECT name, sql FROM sqlite_master WHERE type = 'table'");
  let dump = "SQLite format 3\0";
  for (const { name, sql } of tables) {
    // The runtime refuses to read its own tables.
    if (String(name).startsWith("_cf_")) continue;
    dump += `\n-- Table: ${String(name)}\n${String(sql)};\n\n`;
    for (const row of await query(`SELECT * FROM ${String(name)}`)) {
      const values = Object.values(row).map((value) =>
        typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value),
      );
      dump += `INSERT INTO ${String(name)} VALUES (${values.join(", ")});\n`;
    }
  }
  return { bytes: new Blob([dump]).size };
}
