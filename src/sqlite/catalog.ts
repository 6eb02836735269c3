/**
 * What a source's schema is, as far as an export needs to know it. Made by `parseCatalog`:
 * plain data, so that it can cross RPC and be compared.
 */
export interface Catalog {
  /** In the order of `sqlite_master`, without other people's tables and our own. */
  tables: Table[];
  /** Indexes, views and triggers with their text, in the order of `sqlite_master`. */
  indexes: SchemaObject[];
  views: SchemaObject[];
  triggers: SchemaObject[];
  /** True if `sqlite_sequence` exists. */
  hasSequence: boolean;
  /**
   * Set if the runtime keeps a key-value storage in the database, which SQL cannot read: `exportable` if the
   * object's class answers for it. D1 has such a table for itself.
   */
  keyValues?: "exportable" | "unreadable";
}

export interface SchemaObject {
  name: string;
  /** The table or view that an index or trigger belongs to; a view's own name. */
  tableName: string;
  /** The CREATE statement, byte for byte as SQLite keeps it. */
  sql: string;
  /** The columns of a view that works; read only if an FTS5 table reads its text from it. */
  columns?: string[];
}

/** An object of a schema as `sqlite_master` lists it. */
export interface SchemaEntry extends SchemaObject {
  type: string;
}

export interface Table {
  name: string;
  sql: string;
  kind: "rowid" | "without-rowid" | "virtual";
  strict: boolean;
  autoincrement: boolean;
  /** Lower-case module name of a virtual table, and undefined for others. */
  module?: string;
  /** Every column, generated and hidden ones included, in declaration order. */
  columns: Column[];
  /** Every index, those of PRIMARY KEY and UNIQUE included. */
  indexes: TableIndex[];
  foreignKeys: ForeignKey[];
  /**
   * The name by which the rowid can be read and written: the INTEGER PRIMARY KEY column,
   * else whichever of `rowid`, `_rowid_`, `oid` no column hides. Undefined for WITHOUT ROWID
   * tables, and if all three are hidden.
   */
  rowidName?: string;
  /** The INTEGER PRIMARY KEY column, which is the rowid under another name. */
  integerPrimaryKey?: string;
  /**
   * True for an ordinary table that SQLite takes for a shadow table because of its name: it refuses
   * triggers on it. After the virtual table is dropped this lasts until the schema is read again.
   */
  shadowNamed?: true;
  /** What orders the rows and finds the next one; empty if nothing that has a name does. */
  key: KeyColumn[];
  /** Set if the source has no such table; see `DerivedRows`. */
  derived?: DerivedRows;
}

/** Rows that an SQL dump adds to the tables of a source. */
export type DerivedRows = DerivedText &
  (
    | { kind: "key-values" }
    /** `strayRowsSql` counts what the FTS5 table `index` has and its content lacks. */
    | { kind: "index-exclusions"; index: string; strayRowsSql: string }
  );

interface DerivedText {
  /** SELECT that yields the rows, with the table's columns. */
  rowsSql: string;
  /** Statement that a loader runs over the rows: its text before the first row and after the last. */
  head: string;
  end: string;
}

export type Affinity = "integer" | "text" | "blob" | "real" | "numeric";

export interface Column {
  name: string;
  /** Declared type as written; "" if there is none. */
  type: string;
  affinity: Affinity;
  notNull: boolean;
  /** The DEFAULT's text as SQLite returns it. */
  defaultSql?: string;
  /** Place in the PRIMARY KEY from 1; 0 outside. */
  primaryKey: number;
  /** `virtual` and `stored` are generated; `hidden` belongs to virtual tables. */
  generated: "no" | "virtual" | "stored" | "hidden";
}

export interface TableIndex {
  name: string;
  unique: boolean;
  /** `c` CREATE INDEX, `u` UNIQUE constraint, `pk` PRIMARY KEY. */
  origin: "c" | "u" | "pk";
  partial: boolean;
  /** The CREATE INDEX statement; undefined for automatic ones. */
  sql?: string;
  terms: IndexTerm[];
}

export interface IndexTerm {
  /** Column name; undefined for an expression (and for the rowid). */
  column?: string;
  descending: boolean;
  collation: string;
}

export interface ForeignKey {
  /** The table referred to, as written (its case may differ from the table's). */
  parent: string;
  from: string;
  to?: string;
  onUpdate: string;
  onDelete: string;
  /** The same for the columns of one foreign key of a table. */
  number: number;
}

export interface KeyColumn {
  /** A column's name or a rowid name, not quoted. */
  name: string;
  descending: boolean;
  /** BINARY, NOCASE, RTRIM; always given, since a key's collation may differ from its column's. */
  collation: string;
  /** True if every value is an integer: the rowid. */
  integer: boolean;
}

/**
 * Names of everything that a row is read by: the key's columns in their order, then the other stored columns.
 * A key may contain a column twice, in two collations.
 */
export function listRowColumns(table: Table): string[] {
  const keys = table.key.map((column) => column.name);
  const others = listStoredColumns(table).filter((column) => !keys.includes(column.name));
  return [...keys, ...others.map((column) => column.name)];
}

/** Columns whose values are kept in the table's rows, thus neither generated nor hidden. */
export function listStoredColumns(table: Table): Column[] {
  return table.columns.filter((column) => column.generated === "no");
}
