import type { Catalog, DerivedRows, SchemaObject, Table } from "../../sqlite/catalog.ts";
import { lowerAscii } from "../../lib/ascii-case.ts";
import { quoteIdentifier as q, quoteText } from "../../sqlite/identifier.ts";
import { findOtherTextWarnings } from "./index-triggers.ts";
import { fitsStatement, shortenName } from "../../sqlite/statement-length.ts";
import { type ExternalContent, classifyVirtualTable } from "../../sqlite/virtual-table.ts";

/** How a dump fills an FTS5 index over the rows of another table or view. */
export type IndexPlan =
  /** The index cannot be filled. `reason` continues a sentence and may be empty. */
  | { reason: string }
  | {
      /** Indexes every row of the content. */
      rebuild: string;
      /**
       * The rows that the source does not index, with the statement that removes them after the
       * rebuild.
       */
      exclusions: Table | undefined;
      warnings: string[];
    };

/**
 * Plans the index of an FTS5 table. None of the returned statements can fail if the content loads. If values are
 * masked, a view's ids may depend on them, so none are written.
 */
export function planIndex(
  catalog: Catalog,
  table: Table,
  content: ExternalContent,
  isMasked: boolean,
): IndexPlan {
  const name = q(content.content);
  const found = findContent(catalog, content.content);
  if (found === undefined) return { reason: `, and ${name} is not in the dump` };
  if (found.columns === undefined) {
    return { reason: `, and view ${name} fails or reads what is not in the dump` };
  }
  const missing = [...listIndexColumns(table), content.contentRowid].filter(
    (column) => !found.columns?.has(lowerAscii(column)),
  );
  if (missing.length > 0) {
    const columns = [...new Set(missing)].map(q).join(", ");
    return { reason: `, and ${name} lacks the columns that it reads (${columns})` };
  }
  const isRowid = found.rowids.has(lowerAscii(content.contentRowid));
  const exclusions = content.hasDocsize ? planExclusions(table, content, isRowid) : undefined;
  const isPlain = !isMasked || !found.isView;
  const fits = exclusions !== undefined && fitsStatement({ sql: exclusions.derived.head });
  const isWritten = isPlain && fits;
  return {
    rebuild: ftsRebuildSql(table),
    exclusions: isWritten ? exclusions : undefined,
    warnings: [
      ...(isWritten ? [] : [allRowsWarning(table, name, { ...content, isPlain })]),
      // A view may compute its text just like a trigger.
      ...(found.isView
        ? []
        : findOtherTextWarnings(table, listIndexColumns(table), catalog.triggers)),
    ],
  };
}

function allRowsWarning(
  { name }: Table,
  content: string,
  { hasDocsize, isPlain }: Pick<ExternalContent, "hasDocsize"> & { isPlain: boolean },
): string {
  if (!isPlain) {
    return `FTS5 table ${shortenName(name)} is over a view, and values are masked: its restored index contains all rows of ${content}`;
  }
  const reason = hasDocsize
    ? "has names that are too long for a statement that removes rows from its index"
    : "has columnsize=0 and does not record which rows it indexes";
  return `FTS5 table ${shortenName(name)} ${reason}: its restored index contains all rows of ${content}`;
}

/** Query for the INSERT statements that set an FTS5 table's persistent options; NULL for none. */
export function ftsConfigSql(table: Table): string {
  const name = q(table.name);
  const insert = quoteText(`INSERT INTO ${name}(${name},rank) VALUES(`);
  return (
    `SELECT group_concat(${insert} || quote(k) || ',' || quote(v) || ');' || char(10), '') ` +
    `FROM (SELECT k, v FROM ${q(`${table.name}_config`)} WHERE k <> 'version' ORDER BY k)`
  );
}

/** Statement that fills an FTS5 table over external content. */
function ftsRebuildSql(table: Table): string {
  const name = q(table.name);
  return `INSERT INTO ${name}(${name}) VALUES('rebuild');\n`;
}

/** The table or view from which an FTS5 table reads its text. */
interface Content {
  /** Folded names that a query can read; undefined for a view that fails. */
  columns: Set<string> | undefined;
  /** Folded names that refer to the rowid. */
  rowids: Set<string>;
  isView: boolean;
}

function findContent(catalog: Catalog, name: string): Content | undefined {
  const isNamed = (object: { name: string }): boolean =>
    lowerAscii(object.name) === lowerAscii(name);
  const table = catalog.tables.find(isNamed);
  if (table?.kind === "virtual" && classifyVirtualTable(table).kind === "unknown") return undefined;
  if (table === undefined) {
    const view: SchemaObject | undefined = catalog.views.find(isNamed);
    if (view === undefined) return undefined;
    const columns = view.columns && new Set(view.columns.map(lowerAscii));
    return { columns, rowids: new Set(), isView: true };
  }
  const columns = new Set(table.columns.map((column) => lowerAscii(column.name)));
  const rowids = new Set(
    table.kind === "without-rowid"
      ? []
      : ["rowid", "_rowid_", "oid"].filter((each) => !columns.has(each)),
  );
  if (table.integerPrimaryKey !== undefined) rowids.add(lowerAscii(table.integerPrimaryKey));
  return { columns: new Set([...columns, ...rowids]), rowids, isView: false };
}

/**
 * Returns the content's rows that the index lacks. `'rebuild'` indexes them, and `'delete'` removes
 * them with the same text, so that the index equals the source's, regardless of the number of rows.
 * If an index lacks no rows, its dump contains nothing except the rebuild.
 */
function planExclusions(
  table: Table,
  { content, contentRowid }: ExternalContent,
  isRowid: boolean,
): Table & { derived: DerivedRows } {
  const [name, docsize] = [q(table.name), q(`${table.name}_docsize`)];
  const columns = listIndexColumns(table).map(q);
  // FTS5 reads an id that is not an integer as SQLite's C API converts it.
  const id = isRowid ? `c.${q(contentRowid)}` : `CAST(c.${q(contentRowid)} AS INTEGER)`;
  const rows = isRowid
    ? `SELECT ${id} AS id FROM ${q(content)} AS c WHERE NOT EXISTS (SELECT 1 FROM ${docsize} AS d WHERE d.id = ${id})`
    : `SELECT DISTINCT coalesce(${id}, 0) AS id FROM ${q(content)} AS c WHERE coalesce(${id}, 0) NOT IN (SELECT d.id FROM ${docsize} AS d)`;
  const stray = isRowid
    ? `NOT EXISTS (SELECT 1 FROM ${q(content)} AS c WHERE ${id} = d.id)`
    : `d.id NOT IN (SELECT coalesce(${id}, 0) FROM ${q(content)} AS c)`;
  const deleted = isRowid ? id : `coalesce(${id}, 0)`;
  const values = ["'delete'", deleted, ...columns.map((column) => `c.${column}`)];
  return {
    name: `${table.name}_docsize`,
    sql: "",
    kind: "virtual",
    strict: false,
    autoincrement: false,
    columns: [
      {
        name: "id",
        type: "INTEGER",
        affinity: "integer",
        notNull: true,
        primaryKey: 1,
        generated: "no",
      },
    ],
    indexes: [],
    foreignKeys: [],
    integerPrimaryKey: "id",
    key: [{ name: "id", descending: false, collation: "BINARY", integer: true }],
    derived: {
      kind: "index-exclusions",
      index: table.name,
      strayRowsSql: `SELECT count(*) FROM ${docsize} AS d WHERE ${stray}`,
      rowsSql: rows,
      head:
        `INSERT INTO ${name}(${[name, "rowid", ...columns].join(",")}) SELECT ${values.join(",")} ` +
        `FROM ${q(content)} AS c WHERE ${deleted} IN (VALUES\n(`,
      end: "));\n",
    },
  };
}

/** Columns of an FTS5 table, without the columns for commands. */
function listIndexColumns(table: Table): string[] {
  return table.columns.filter(({ generated }) => generated === "no").map(({ name }) => name);
}
