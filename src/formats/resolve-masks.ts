import { ExportError } from "../api/errors.ts";
import type { Mask, Masks } from "../api/masks.ts";
import { lowerAscii, upperAscii } from "../lib/ascii-case.ts";
import type { Catalog, Column, Table } from "../sqlite/catalog.ts";
import { quoteIdentifier as q } from "../sqlite/identifier.ts";
import { isWord, parseIdentifier, type SqlToken, tokenizeSql } from "../sqlite/sql-tokens.ts";
import { classifyVirtualTable } from "../sqlite/virtual-table.ts";
import type { ColumnMask, TableMasks } from "./mask-sql.ts";

/** What the masks of a request mean for a catalog. */
export interface ResolvedMasks {
  /** The masks of each table, by its exact name. */
  byTable: ReadonlyMap<string, TableMasks>;
  /** What the reader of the dump must know, one sentence each. */
  warnings: string[];
}

/**
 * Finds the tables and columns that `masks` name, in either case of ASCII letters. `exported` is what remains of the
 * catalog after the request's patterns. Errors: `mask-invalid` for an unknown name, and for a mask that would break a
 * rule of the schema, change rows that others refer to, or leave the same values elsewhere in the dump.
 */
export function resolveMasks(
  masks: Masks | undefined,
  catalog: Catalog,
  exported: Catalog,
): ResolvedMasks {
  const byTable = new Map<string, TableMasks>();
  const warnings: string[] = [];
  for (const [name, columns] of Object.entries(masks ?? {})) {
    const table = findTable(catalog, name);
    if (byTable.has(table.name)) throw refused(`mask names table ${q(table.name)} twice`);
    const found = new Map<string, ColumnMask>();
    for (const [columnName, mask] of Object.entries(columns)) {
      const column = findColumn(table, columnName);
      if (found.has(column.name)) {
        throw refused(`mask names column ${shown(table, column)} twice`);
      }
      found.set(column.name, { column, replacement: parseMask(mask, table, column) });
    }
    for (const columnMask of found.values()) {
      requirePlainInputs(table, columnMask, found);
      warnings.push(...checkColumn(catalog, table, columnMask));
    }
    byTable.set(table.name, found);
  }
  requireNoOtherCopies(exported, byTable);
  return { byTable, warnings };
}

function findTable(catalog: Catalog, name: string): Table {
  const table = catalog.tables.find((each) => lowerAscii(each.name) === lowerAscii(name));
  if (table === undefined) throw refused(`mask names table ${q(name)}, which does not exist`);
  if (table.kind !== "virtual") return table;
  if (table.module === "fts5" && classifyVirtualTable(table).kind === "rows") return table;
  throw refused(
    `table ${q(table.name)} cannot be masked: it is virtual, and not an FTS5 table with its own content`,
  );
}

function findColumn(table: Table, name: string): Column {
  const column = table.columns.find((each) => lowerAscii(each.name) === lowerAscii(name));
  if (column === undefined || column.generated === "hidden") {
    throw refused(`mask names column ${q(name)} of table ${q(table.name)}, which does not exist`);
  }
  if (column.generated !== "no") {
    throw refused(
      `column ${shown(table, column)} cannot be masked: it is generated from other columns`,
    );
  }
  return column;
}

function parseMask(mask: Mask, table: Table, column: Column): ColumnMask["replacement"] {
  if (mask === "length") return { kind: "length" };
  if (mask === "null") {
    if (column.notNull)
      throw refused(`column ${shown(table, column)} is NOT NULL: null is invalid`);
    return { kind: "null" };
  }
  if ("value" in mask) {
    requireStorable(mask.value, table, column);
    return { kind: "value", value: mask.value };
  }
  const parts = parseTemplate(mask.template, table, column);
  requireTextColumn(parts, table, column);
  return { kind: "template", parts };
}

type TemplateParts = Extract<ColumnMask["replacement"], { kind: "template" }>["parts"];

function parseTemplate(template: string, table: Table, column: Column): TemplateParts {
  const parts: ({ text: string } | { name: string })[] = [];
  for (const [at, piece] of template.split(/\{([^{}]*)\}/).entries()) {
    if (at % 2 === 0) {
      if (/[{}]/.test(piece)) {
        throw refused(
          `the template of column ${shown(table, column)} has a brace without its other half: use value for such text`,
        );
      }
      if (piece !== "") parts.push({ text: piece });
      continue;
    }
    parts.push({ name: findInput(piece, table, column) });
  }
  return parts.length === 0 ? [{ text: "" }] : parts;
}

/** Returns the exact name of a placeholder's column, or of the rowid. */
function findInput(name: string, table: Table, column: Column): string {
  const input = table.columns.find((each) => lowerAscii(each.name) === lowerAscii(name));
  if (input?.generated === "no") return input.name;
  if (input === undefined && lowerAscii(name) === "rowid") {
    if (table.rowidName !== undefined) return table.rowidName;
    throw refused(
      `the template of column ${shown(table, column)} uses {rowid}, which table ${q(table.name)} does not have`,
    );
  }
  const reason =
    input === undefined
      ? `which is not a column of table ${q(table.name)}`
      : "which is generated or hidden";
  throw refused(`the template of column ${shown(table, column)} uses {${name}}, ${reason}`);
}

/** Errors: `mask-invalid` if a template would copy a masked column's values. */
function requirePlainInputs(table: Table, { column, replacement }: ColumnMask, masks: TableMasks) {
  if (replacement.kind !== "template") return;
  for (const part of replacement.parts) {
    if ("text" in part || !masks.has(part.name)) continue;
    throw refused(
      `the template of column ${shown(table, column)} uses {${part.name}}, which is masked`,
    );
  }
}

/** A number as SQLite reads it in text; a column of numbers stores such text as a number. */
const NUMERIC_TEXT = /^\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*$/;

/** Errors: `mask-invalid` if the column would store another value than this one, or refuse it. */
function requireStorable(value: string | number, table: Table, column: Column): void {
  const { affinity } = column;
  const type = upperAscii(column.type);
  const refuse = (what: string): never => {
    throw refused(`the value for column ${shown(table, column)} must be ${what}`);
  };
  if (table.kind === "virtual") return;
  if (table.strict && type !== "ANY") {
    if (type === "TEXT" && typeof value !== "string") refuse("text, as the table is STRICT");
    if (type === "BLOB") refuse("a BLOB, which a mask cannot write: use null or length");
    if (type === "REAL" && typeof value !== "number") refuse("a number, as the table is STRICT");
    if ((type === "INTEGER" || type === "INT") && !Number.isInteger(value)) {
      refuse("an integer, as the table is STRICT");
    }
    return;
  }
  if (affinity === "text" && typeof value === "number") refuse("text, as the column's type is");
  const holdsNumbers = affinity === "integer" || affinity === "real" || affinity === "numeric";
  if (holdsNumbers && typeof value === "string" && NUMERIC_TEXT.test(value)) {
    refuse("a number instead of text that looks like one, as the column stores it as a number");
  }
}

/** Errors: `mask-invalid` if the column might store the template's text as a number, or refuse it. */
function requireTextColumn(parts: TemplateParts, table: Table, column: Column): void {
  if (table.kind === "virtual") return;
  const type = upperAscii(column.type);
  if (table.strict && type !== "TEXT" && type !== "ANY") {
    throw refused(
      `a template writes text, but column ${shown(table, column)} of the STRICT table stores ${type}: use value`,
    );
  }
  if (column.affinity === "text" || column.affinity === "blob") return;
  const isNeverNumber = parts.some((part) => "text" in part && /[^\d\s.+\-eE]/.test(part.text));
  if (isNeverNumber) return;
  throw refused(
    `column ${shown(table, column)} stores numbers, and its template may look like one: add a letter, or use value`,
  );
}

/** Checks what else depends on a column's values. Errors: `mask-invalid`. */
function checkColumn(catalog: Catalog, table: Table, mask: ColumnMask): string[] {
  const { column } = mask;
  const refuse = (why: string): never => {
    throw refused(`column ${shown(table, column)} cannot be masked: ${why}`);
  };
  const isColumn = (name: string | undefined): boolean =>
    name !== undefined && lowerAscii(name) === lowerAscii(column.name);
  if (column.primaryKey > 0 || table.key.some(({ name }) => isColumn(name))) {
    refuse("it is part of the table's key");
  }
  if (table.foreignKeys.some(({ from }) => isColumn(from))) refuse("it is part of a foreign key");
  for (const other of catalog.tables) {
    const refers = other.foreignKeys.some(
      ({ parent, to }) => lowerAscii(parent) === lowerAscii(table.name) && isColumn(to),
    );
    if (refers) refuse(`table ${q(other.name)} refers to it`);
    const content = other.kind === "virtual" ? classifyVirtualTable(other) : undefined;
    if (content?.kind !== "rebuild" || !isColumn(content.contentRowid)) continue;
    const isContent = lowerAscii(content.content) === lowerAscii(table.name);
    if (isContent) refuse(`FTS5 table ${q(other.name)} takes its ids from it`);
  }
  return table.kind === "virtual" ? [] : checkRules(table, mask, refuse);
}

/** Checks the texts of a table and of its indexes, in which a column may be named. */
function checkRules(table: Table, mask: ColumnMask, refuse: (why: string) => never): string[] {
  const { column } = mask;
  const warnings: string[] = [];
  const texts = [...tokenizeSql(table.sql)];
  if (countNamesAfter(texts, "CHECK", column.name) > 0) refuse("a CHECK names it");
  if (countNamesAfter(texts, "AS", column.name) > 0) refuse("a generated column names it");
  const isUnique = keepsUnique(mask, table);
  for (const index of table.indexes) {
    const uses = index.terms.filter((term) => term.column === column.name).length;
    const isComputed =
      index.sql !== undefined && countNames(insideIndex(index.sql), column.name) > uses;
    if (index.unique && isComputed) refuse(`UNIQUE index ${q(index.name)} computes with it`);
    if (index.unique && uses > 0 && !isUnique) {
      refuse("it is UNIQUE: use null, or a template of {rowid} and text");
    }
    if (!isComputed) continue;
    warnings.push(
      `index ${q(index.name)} computes with masked column ${shown(table, column)}: ` +
        "the dump loads only if that works with masked values",
    );
  }
  return warnings;
}

/** True if no two rows get the same value, except NULL. */
function keepsUnique({ replacement }: ColumnMask, table: Table): boolean {
  if (replacement.kind === "null") return true;
  if (replacement.kind !== "template") return false;
  const names = replacement.parts.flatMap((part) => ("name" in part ? [part.name] : []));
  return names.length === 1 && names[0] === table.rowidName;
}

/** Returns how often a column is named in parentheses after a keyword. */
function countNamesAfter(tokens: readonly SqlToken[], keyword: string, name: string): number {
  let count = 0;
  for (const [at, token] of tokens.entries()) {
    if (!isWord(token, keyword) || tokens[at + 1]?.text !== "(") continue;
    count += countNames(insideParentheses(tokens.slice(at + 1)), name);
  }
  return count;
}

/** A quoted text may be a name too: SQLite accepts `'a'` in some places. */
function countNames(tokens: readonly SqlToken[], name: string): number {
  return tokens.filter(
    (token) => token.kind !== "other" && lowerAscii(parseIdentifier(token)) === lowerAscii(name),
  ).length;
}

/** The tokens of an index's terms and condition, after the names of index and table. */
function insideIndex(sql: string): SqlToken[] {
  const tokens = [...tokenizeSql(sql)];
  return tokens.slice(tokens.findIndex((token) => token.text === "("));
}

/** The tokens from a parenthesis to the one that closes it. */
function insideParentheses(tokens: readonly SqlToken[]): SqlToken[] {
  let depth = 0;
  for (const [at, { text }] of tokens.entries()) {
    if (text === "(") depth += 1;
    if (text === ")") depth -= 1;
    if (depth === 0) return tokens.slice(0, at);
  }
  return [...tokens];
}

/**
 * Errors: `mask-invalid` if a virtual table with its own rows has a column of a masked column's name: it may contain
 * the same values.
 */
function requireNoOtherCopies(exported: Catalog, byTable: ReadonlyMap<string, TableMasks>): void {
  const masked = new Map(
    [...byTable].flatMap(([table, masks]) =>
      [...masks.keys()].map((column) => [lowerAscii(column), `${q(table)}.${q(column)}`]),
    ),
  );
  for (const table of exported.tables) {
    if (table.kind !== "virtual" || classifyVirtualTable(table).kind !== "rows") continue;
    for (const { name, generated } of table.columns) {
      const original = masked.get(lowerAscii(name));
      if (generated !== "no" || original === undefined) continue;
      if (byTable.get(table.name)?.has(name) === true) continue;
      throw refused(
        `${original} is masked, but virtual table ${q(table.name)} has its own column ${q(name)}: ` +
          "mask that too, or exclude the table",
      );
    }
  }
}

function shown(table: Table, column: Column): string {
  return `${q(table.name)}.${q(column.name)}`;
}

function refused(message: string): ExportError {
  return new ExportError("mask-invalid", message);
}
