import type { Catalog, SchemaObject, Table } from "../model/catalog.ts";
import { VERSION } from "../model/version.ts";
import { quoteIdentifier, quoteText } from "./identifier.ts";
import type { DumpPlan, PlanRequest, Segment } from "./plan.ts";
import { orderByForeignKeys } from "./table-order.ts";
import { findOpenComment } from "./sql-tokens.ts";
import { ftsConfigSql, ftsRebuildSql, virtualTableKind } from "./virtual-table.ts";

/**
 * The plan of an SQL dump: all tables, their rows with parents before children, the sequences,
 * indexes, virtual tables with their rows, views, what is built from other tables, triggers.
 * UNIQUE indexes of tables that others refer to stand before the rows, since a foreign key needs
 * the index to exist. Triggers come last, so that no row fires one.
 */
export function planSqlDump({ catalog, source }: PlanRequest): DumpPlan {
  const warnings: string[] = [];
  const plain = catalog.tables.filter((table) => table.kind !== "virtual");
  const virtual = catalog.tables.filter((table) => table.kind === "virtual");
  const { order, cyclic } = orderByForeignKeys(plain);
  if (cyclic.length > 0) {
    warnings.push(
      `foreign keys form a cycle among ${namesOf(cyclic)}: load their rows in one transaction`,
    );
  }
  const early = earlyIndexes(catalog, plain);
  const segments: Segment[] = [];
  const tables: Table[] = [];
  const text = (parts: string[]): void => {
    if (parts.length > 0) segments.push({ kind: "text", text: parts.join("") });
  };

  text([header(source), ...plain.map(statementOf), ...early.map(statementOf)]);
  for (const table of order) {
    segments.push({ kind: "rows", table: table.name });
    tables.push(table);
  }
  segments.push(...sequenceSegments(catalog, plain));
  text(catalog.indexes.filter((index) => !early.includes(index)).map(statementOf));

  const rebuilt: string[] = [];
  for (const table of virtual) {
    const kind = virtualTableKind(table);
    if (kind.kind === "unknown") {
      warnings.push(
        `virtual table ${quoteIdentifier(table.name)} is left out: ` +
          `module ${quoteIdentifier(table.module ?? "")} cannot be dumped`,
      );
      continue;
    }
    text([statementOf(table)]);
    if (table.module === "fts5") segments.push({ kind: "query", sql: ftsConfigSql(table) });
    if (kind.kind === "rows") {
      segments.push({ kind: "rows", table: table.name });
      tables.push(table);
    } else if (kind.kind === "rebuild") {
      rebuilt.push(ftsRebuildSql(table));
    } else if (kind.kind === "contentless") {
      warnings.push(
        `FTS5 table ${quoteIdentifier(table.name)} keeps no content: it is restored empty`,
      );
    }
  }
  text([...catalog.views.map(statementOf), ...rebuilt, ...catalog.triggers.map(statementOf)]);
  return {
    artifacts: [{ name: "dump.sql", contentType: "application/sql", segments }],
    tables,
    warnings,
  };
}

/** No time and nothing that differs between two dumps of the same content. */
function header(source: string): string {
  return `-- Durable Export ${VERSION}, source ${JSON.stringify(source)}\nPRAGMA defer_foreign_keys=ON;\n`;
}

/** SQLite keeps the white space before the semicolon in an index's text, so none is added in vain. */
function statementOf(object: SchemaObject | Table): string {
  const comment = findOpenComment(object.sql);
  const close = comment === undefined ? "" : comment === "line" ? "\n" : "*/";
  return `${object.sql}${close};\n`;
}

/** Indexes that a foreign key may need, in order to be found by it. */
function earlyIndexes(catalog: Catalog, tables: Table[]): SchemaObject[] {
  const parents = new Set(
    tables.flatMap((table) => table.foreignKeys.map((key) => key.parent.toLowerCase())),
  );
  const unique = new Set(
    tables
      .filter((table) => parents.has(table.name.toLowerCase()))
      .flatMap((table) => table.indexes)
      .filter((index) => index.unique && !index.partial)
      .map((index) => index.name),
  );
  return catalog.indexes.filter((index) => unique.has(index.name));
}

/**
 * AUTOINCREMENT counters. The inserts before have set them to the largest rowid; what they really
 * were, also of emptied tables, replaces that.
 */
function sequenceSegments(catalog: Catalog, tables: Table[]): Segment[] {
  const counted = tables.filter((table) => table.autoincrement).map((table) => table.name);
  if (counted.length === 0 || !catalog.hasSequence) return [];
  const names = counted.map(quoteText).join(",");
  return [
    { kind: "text", text: `DELETE FROM sqlite_sequence WHERE name IN (${names});\n` },
    {
      kind: "query",
      sql:
        `SELECT group_concat('INSERT INTO sqlite_sequence(name,seq) VALUES(' || quote(name) || ',' || ` +
        `quote(seq) || ');' || char(10), '') FROM ` +
        `(SELECT name, seq FROM sqlite_sequence WHERE name IN (${names}) ORDER BY rowid)`,
    },
  ];
}

function namesOf(names: string[]): string {
  return names.map(quoteIdentifier).join(", ");
}
