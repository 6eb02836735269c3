import { ExportError } from "../api/errors.ts";
import { lowerAscii } from "../lib/ascii-case.ts";
import type { LoadPlan, WrittenVirtualTable } from "../rpc/load-plan.ts";
import { isPlatformName, RESTORE_TABLE } from "../sqlite/own-objects.ts";
import { tokenizeSql } from "../sqlite/sql-tokens.ts";
import { findOption, makesShadow } from "../sqlite/virtual-table.ts";
import type { ScannedScript } from "./scan-script.ts";
import { listSearchColumns, listSearchShadows, type SchemaRow } from "./schema-row.ts";

/** A table that the target had before the restore. */
export interface TargetTable {
  name: string;
  sql: string;
  /** True if it has rows. */
  hasRows: boolean;
}

/** StarbaseDB's class creates tables with such names whenever one of its objects starts. */
const STARBASE_PREFIX = "tmp_";

/**
 * Decides how to load a script into a target that has only `tables`. Errors: `target-not-empty` if a table has
 * rows, or if the script does not create it with the same text (an empty StarbaseDB table may stay);
 * `script-invalid` for virtual tables whose rows cannot be read from the script.
 */
export function planLoad(script: ScannedScript, tables: readonly TargetTable[]): LoadPlan {
  const existing: string[] = [];
  for (const table of tables) {
    const lower = lowerAscii(table.name);
    const created = script.tables.get(lower);
    const shown = JSON.stringify(table.name);
    if (table.hasRows) throw notEmpty(`the target's table ${shown} has rows`);
    if (created === undefined && table.name.startsWith(STARBASE_PREFIX)) {
      existing.push(lower);
      continue;
    }
    if (created === undefined) {
      throw notEmpty(`the target has a table ${shown}, which the script does not create`);
    }
    if (!isSameText(created.sql, table.sql)) {
      throw notEmpty(`the target's table ${shown} has another definition than the script's`);
    }
    existing.push(lower);
  }
  return {
    moves: script.moves,
    virtualTables: script.schemaRows.map((row, at) =>
      toWrittenTable(row, `${RESTORE_TABLE}_ids_${at + 1}`),
    ),
    existing,
    places: placeTables([...script.tables.keys()], new Set(existing)),
    late: script.late,
    hasSequences: script.hasSequences,
  };
}

function placeTables(
  created: readonly string[],
  existing: ReadonlySet<string>,
): LoadPlan["places"] {
  return created.flatMap((name, at) =>
    existing.has(name) ? [{ name, after: created[at - 1] ?? null }] : [],
  );
}

function notEmpty(message: string): ExportError {
  return new ExportError("target-not-empty", message);
}

/**
 * True if two statements have the same tokens. It ignores IF NOT EXISTS, the case of bare words, and the quotes of
 * names.
 */
function isSameText(one: string, other: string): boolean {
  return normalize(one) === normalize(other);
}

function normalize(sql: string): string {
  const texts = [...tokenizeSql(sql)].map(({ kind, text }) => {
    if (kind === "word") return lowerAscii(text);
    return kind === "quoted" ? lowerAscii(text.slice(1, -1)) : text;
  });
  const conditional = texts.indexOf("if");
  if (conditional === 2) texts.splice(2, 3);
  if (texts.at(-1) === ";") texts.pop();
  return JSON.stringify(texts);
}

function toWrittenTable(row: SchemaRow, idsName: string): WrittenVirtualTable {
  const { name, sql, module } = row;
  const refuse = (reason: string): ExportError =>
    new ExportError(
      "script-invalid",
      `the virtual table ${JSON.stringify(name)} cannot be restored from this script: ${reason}`,
    );
  if (module !== "fts5") {
    throw refuse(
      `the script contains only the internal tables of the module ${module}; ` +
        "export the database with this project instead",
    );
  }
  const content = findOption(sql, "content");
  if (content === "") throw refuse("it keeps no content (content='')");
  if (findOption(sql, "locale") === "1")
    throw refuse("it stores the locale of each text (locale=1)");
  const table = { name, columns: listSearchColumns(sql), shadows: listSearchShadows(row) };
  const taken = table.shadows.find(isPlatformName);
  if (taken !== undefined) {
    throw refuse(
      `one of its internal tables is named ${taken}, and the platform reserves that name`,
    );
  }
  if (content === undefined) return { ...table, external: null };
  const rowid = findOption(sql, "content_rowid") ?? "rowid";
  const hasIds = makesShadow(sql, "docsize");
  return { ...table, external: { content, rowid, idsName: hasIds ? idsName : null } };
}
