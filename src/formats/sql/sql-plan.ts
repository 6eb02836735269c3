import type { Catalog, SchemaObject, Table } from "../../sqlite/catalog.ts";
import { quoteIdentifier, quoteText } from "../../sqlite/identifier.ts";
import { createKeyValuesTable } from "../../sqlite/key-values.ts";
import type { DumpPlan, PlanRequest, Segment } from "../plan.ts";
import { findLoadingWarnings } from "./find-loading-warnings.ts";
import { orderByForeignKeys } from "../../sqlite/table-order.ts";
import { findOpenComment } from "../../sqlite/sql-tokens.ts";
import { ftsConfigSql, planIndex } from "./search-index.ts";
import { indexCommentSql } from "../../sqlite/index-totals.ts";
import { bearsShadowName, classifyVirtualTable } from "../../sqlite/virtual-table.ts";
import { lowerAscii } from "../../lib/ascii-case.ts";

/** The longest list of table names in a statement, in UTF-16 units of at most three bytes. */
const NAMES_LENGTH_MAX = 16_000;

/**
 * The plan of an SQL dump. It contains, in order: all tables, their rows with parents before
 * children, the sequences, indexes, virtual tables with their rows, views, everything built from
 * other tables, and triggers. UNIQUE indexes of referenced tables come before the rows, because a
 * foreign key needs the index to exist. Triggers come last, so that no row fires one. SQLite
 * refuses triggers on a table with the name of a virtual table's shadow table: those triggers come
 * before that virtual table.
 *
 * `schema` leaves out rows, sequences and everything built from rows; `data` leaves out everything
 * else. Each contains exactly what the other leaves out.
 */
export function planSqlDump(request: PlanRequest): DumpPlan {
  const { catalog, source, version, content, isMasked = false } = request;
  const schema = content !== "data";
  const data = content !== "schema";
  const plain = catalog.tables.filter((table) => table.kind !== "virtual");
  const { order, cyclic } = orderByForeignKeys(plain);
  const virtual = planVirtualTables(catalog, { schema, data, isMasked });
  const early = earlyIndexes(catalog, plain);
  const late = catalog.indexes.filter((index) => !early.includes(index));
  const earlyTriggers = triggersOfShadowNames(catalog);
  const lateTriggers = catalog.triggers.filter((trigger) => !earlyTriggers.includes(trigger));
  const keyValues = data ? catalog.keyValues : undefined;
  const entries = keyValues === "exportable" ? [createKeyValuesTable()] : [];
  const segments: Segment[] = [
    ...text(header(source, version)),
    ...virtual.totals,
    ...text("PRAGMA defer_foreign_keys=ON;\n"),
    ...(schema ? text(...plain.map(makeStatement), ...early.map(makeStatement)) : []),
    ...(data ? planRows(order) : []),
    ...(data ? sequenceSegments(catalog, plain) : []),
    ...(schema ? text(...late.map(makeStatement), ...earlyTriggers.map(makeStatement)) : []),
    ...virtual.segments,
    ...(schema ? text(...catalog.views.map(makeStatement)) : []),
    ...virtual.rebuilt,
    ...(schema ? text(...lateTriggers.map(makeStatement)) : []),
    ...planRows(entries),
  ];
  return {
    artifacts: [{ name: "dump.sql", contentType: "application/sql", segments: merged(segments) }],
    tables: data ? [...order, ...virtual.withRows, ...virtual.exclusions, ...entries] : [],
    reportsBrokenChecks: data,
    ...(keyValues && { keyValues: keyValues === "exportable" ? "exported" : keyValues }),
    warnings: [
      ...(data && cyclic.length > 0
        ? [
            `foreign keys form a cycle among ${listNames(cyclic)}: load their rows in one transaction`,
          ]
        : []),
      ...(schema ? openCommentWarnings(catalog) : []),
      ...(data ? missingParentWarnings(plain) : []),
      ...(schema
        ? []
        : [...triggerWarnings(catalog), ...shadowNameWarnings(plain, catalog.tables)]),
      ...virtual.warnings,
      ...findLoadingWarnings(catalog, content),
    ],
  };
}

function text(...parts: string[]): Segment[] {
  return parts.length === 0 ? [] : [{ kind: "text", text: parts.join("") }];
}

function planRows(tables: Table[]): Segment[] {
  return tables.map((table) => ({ kind: "rows", table: table.name }));
}

/** Merges adjacent texts into one segment. */
function merged(segments: Segment[]): Segment[] {
  const result: Segment[] = [];
  for (const segment of segments) {
    const last = result.at(-1);
    if (segment.kind === "text" && last?.kind === "text") {
      result[result.length - 1] = { kind: "text", text: last.text + segment.text };
    } else {
      result.push(segment);
    }
  }
  return result;
}

/** How a dump restores the virtual tables. */
interface VirtualTablesPlan {
  segments: Segment[];
  withRows: Table[];
  /** Comments that record what the FTS5 indexes over other tables contain. */
  totals: Segment[];
  /** Statements that fill FTS5 tables from their content, after the content is loaded. */
  rebuilt: Segment[];
  exclusions: Table[];
  warnings: string[];
}

function planVirtualTables(
  catalog: Catalog,
  { schema, data, isMasked }: { schema: boolean; data: boolean; isMasked: boolean },
): VirtualTablesPlan {
  const plan: VirtualTablesPlan = {
    segments: [],
    withRows: [],
    totals: [],
    rebuilt: [],
    exclusions: [],
    warnings: [],
  };
  let namesLength = 0;
  for (const table of catalog.tables.filter((each) => each.kind === "virtual")) {
    const kind = classifyVirtualTable(table);
    if (kind.kind === "unknown") {
      plan.warnings.push(
        `virtual table ${quoteIdentifier(table.name)} is left out: ` +
          `module ${quoteIdentifier(table.module ?? "")} cannot be dumped`,
      );
      continue;
    }
    if (schema) {
      plan.segments.push(...text(makeStatement(table)));
      if (table.module === "fts5") plan.segments.push({ kind: "query", sql: ftsConfigSql(table) });
    }
    if (!data) continue;
    if (kind.kind === "rows") {
      plan.segments.push(...planRows([table]));
      plan.withRows.push(table);
    } else if (kind.kind === "rebuild" || kind.kind === "contentless") {
      const index =
        kind.kind === "rebuild" ? planIndex(catalog, table, kind, isMasked) : { reason: "" };
      if ("reason" in index) {
        plan.warnings.push(
          `FTS5 table ${quoteIdentifier(table.name)} keeps no content${index.reason}: it is restored empty`,
        );
        continue;
      }
      plan.rebuilt.push(...text(index.rebuild));
      plan.warnings.push(...index.warnings);
      if (index.exclusions !== undefined) {
        plan.rebuilt.push(...planRows([index.exclusions]));
        plan.exclusions.push(index.exclusions);
      }
      if (isMasked) continue;
      // All comments together are part of the first statement, whose length is limited.
      namesLength += table.name.length;
      if (namesLength <= NAMES_LENGTH_MAX) {
        plan.totals.push({ kind: "query", sql: indexCommentSql(table) });
      }
    }
  }
  return plan;
}

/** SQLite protects a table with a shadow table's name as soon as the virtual table exists. */
function shadowNameWarnings(plain: Table[], tables: Table[]): string[] {
  const virtual = tables.filter((table) => table.kind === "virtual");
  return plain.flatMap((table) =>
    virtual
      .filter((owner) => lowerAscii(table.name).startsWith(`${lowerAscii(owner.name)}_`))
      .map(
        (owner) =>
          `table ${quoteIdentifier(table.name)} may have the name of a shadow table of ` +
          `${quoteIdentifier(owner.name)}: its rows load only before that table exists`,
      ),
  );
}

/** The triggers of tables that have a shadow table's name. */
function triggersOfShadowNames(catalog: Catalog): SchemaObject[] {
  const virtual = catalog.tables.filter((table) => table.kind === "virtual");
  return catalog.triggers.filter(({ tableName }) =>
    virtual.some((owner) => bearsShadowName(tableName, owner)),
  );
}

/** Rows without a schema are loaded into tables whose triggers already exist. */
function triggerWarnings(catalog: Catalog): string[] {
  const tables = new Set(catalog.tables.map((table) => lowerAscii(table.name)));
  const names = catalog.triggers
    .filter((trigger) => tables.has(lowerAscii(trigger.tableName)))
    .map((trigger) => trigger.name);
  return names.length === 0
    ? []
    : [`triggers that already exist in the target fire for each loaded row: ${listNames(names)}`];
}

/** No time and nothing that differs between two dumps of the same content. */
function header(source: string, version: string): string {
  return `-- Durable Export ${version}, source ${JSON.stringify(source)}\n`;
}

/**
 * SQLite keeps the white space before the semicolon in an index's text, so none is added without
 * need.
 */
function makeStatement(object: SchemaObject | Table): string {
  const comment = findOpenComment(object.sql);
  const close = comment === undefined ? "" : comment === "line" ? "\n" : "*/";
  return `${object.sql}${close};\n`;
}

/**
 * A comment may end with the text of a statement, but not within a script: whatever closes it there
 * becomes part of the restored object's text. For views, SQLite removes trailing white space.
 */
function openCommentWarnings(catalog: Catalog): string[] {
  const isChanged = (object: SchemaObject | Table): boolean =>
    findOpenComment(object.sql) === "block" ||
    (findOpenComment(object.sql) === "line" && !catalog.views.includes(object as SchemaObject));
  return [...catalog.tables, ...catalog.indexes, ...catalog.views]
    .filter(isChanged)
    .map(
      (object) =>
        `the text of ${quoteIdentifier(object.name)} ends in an open comment, which its restored text closes`,
    );
}

/** Enforced foreign keys need their parent to exist, even for rows that reference nothing. */
function missingParentWarnings(tables: Table[]): string[] {
  const names = new Set(tables.map((table) => lowerAscii(table.name)));
  return tables.flatMap((table) =>
    [...new Set(table.foreignKeys.map((key) => key.parent))]
      .filter((parent) => !names.has(lowerAscii(parent)))
      .map(
        (parent) =>
          `table ${quoteIdentifier(table.name)} references ${quoteIdentifier(parent)}, which is not in the dump: ` +
          "its rows load only if foreign keys are not enforced",
      ),
  );
}

/** Indexes that a foreign key may need to find its parent. */
function earlyIndexes(catalog: Catalog, tables: Table[]): SchemaObject[] {
  const parents = new Set(
    tables.flatMap((table) => table.foreignKeys.map((key) => lowerAscii(key.parent))),
  );
  const unique = new Set(
    tables
      .filter((table) => parents.has(lowerAscii(table.name)))
      .flatMap((table) => table.indexes)
      .filter((index) => index.unique && !index.partial)
      .map((index) => index.name),
  );
  return catalog.indexes.filter((index) => unique.has(index.name));
}

/**
 * AUTOINCREMENT counters. The inserts have set them to the largest rowid; these rows replace that
 * with the source's values, including those of emptied tables.
 */
function sequenceSegments(catalog: Catalog, tables: Table[]): Segment[] {
  if (!catalog.hasSequence) return [];
  const counted = tables.filter((table) => table.autoincrement);
  return groupTables(counted.map((table) => quoteText(table.name))).flatMap((names): Segment[] => [
    { kind: "text", text: `DELETE FROM sqlite_sequence WHERE name IN (${names});\n` },
    {
      kind: "query",
      sql:
        `SELECT group_concat('INSERT INTO sqlite_sequence(name,seq) VALUES(' || quote(name) || ',' || ` +
        `quote(seq) || ');' || char(10), '') FROM ` +
        `(SELECT name, seq FROM sqlite_sequence WHERE name IN (${names}) ORDER BY rowid)`,
    },
  ]);
}

/** Returns `terms` joined by commas, in as few texts as a statement's length allows. */
function groupTables(terms: string[]): string[] {
  const groups: string[] = [];
  for (const term of terms) {
    const last = groups.at(-1);
    if (last !== undefined && last.length + term.length < NAMES_LENGTH_MAX) {
      groups[groups.length - 1] = `${last},${term}`;
    } else {
      groups.push(term);
    }
  }
  return groups;
}

function listNames(names: string[]): string {
  return names.map(quoteIdentifier).join(", ");
}
