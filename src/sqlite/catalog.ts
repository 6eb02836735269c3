/**
 * A source's schema, as far as an export needs it. `parseCatalog` makes it as plain data, so that
 * it can cross RPC and be compared.
 */
export interface Catalog {
  /**
   * In the order of `sqlite_master`, without tables that belong to others and without this
   * project's own.
   */
  tables: Table[];
  /** Indexes, views and triggers with their text, in the order of `sqlite_master`. */
  indexes: SchemaObject[];
  views: SchemaObject[];
  triggers: SchemaObject[];
  /** True if `sqlite_sequence` exists. */
  hasSequence: boolean;
  /**
   * Set if the runtime keeps a key-value storage in the database, which SQL cannot read. It is
   * `exportable` if the object's class can return the entries. D1 has such a table for its own use.
   */
  keyValues?: "exportable" | "unreadable";
}

export interface SchemaObject {
  name: string;
  /** The table or view that an index or trigger belongs to; for a view, its own name. */
  tableName: string;
  /** The CREATE statement, byte for byte as SQLite keeps it. */
  sql: string;
  /** The columns of a view that works; read only if an FTS5 table takes its text from the view. */
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
  /** Every column in declaration order, including generated and hidden ones. */
  columns: Column[];
  /** Every index, including those of PRIMARY KEY and UNIQUE. */
  indexes: TableIndex[];
  foreignKeys: ForeignKey[];
  /**
   * The name by which the rowid can be read and written: the INTEGER PRIMARY KEY column, or the
   * first of `rowid`, `_rowid_` and `oid` that no column hides. Undefined for WITHOUT ROWID tables,
   * and if all three are hidden.
   */
  rowidName?: string;
  /** The INTEGER PRIMARY KEY column, which is the rowid under another name. */
  integerPrimaryKey?: string;
  /**
   * True for an ordinary table that SQLite treats as a shadow table because of its name: it refuses
   * triggers on it. After the virtual table is dropped, this lasts until the schema is read again.
   */
  shadowNamed?: true;
  /** The columns that order the rows and find the next one; empty if nothing with a name does. */
  key: KeyColumn[];
  /** Set if the source has no such table; see `DerivedRows`. */
  derived?: DerivedRows;
}

/** Rows that an SQL dump adds to the tables of a source. */
export type DerivedRows = DerivedText &
  (
    | { kind: "key-values" }
    /**
     * `strayRowsSql` counts the rows that the FTS5 table `index` contains but its content lacks.
     */
    | { kind: "index-exclusions"; index: string; strayRowsSql: string }
  );

interface DerivedText {
  /** SELECT that returns the rows, with the table's columns. */
  rowsSql: string;
  /**
   * The statement that a loader runs over the rows: its text before the first row and after the
   * last.
   */
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
  /** Position in the PRIMARY KEY, from 1; 0 if the column is not part of it. */
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
  /** The referenced table, as written (its case may differ from the table's). */
  parent: string;
  from: string;
  to?: string;
  onUpdate: string;
  onDelete: string;
  /** The same number for all columns of one foreign key of a table. */
  number: number;
}

export interface KeyColumn {
  /** A column's name or a rowid name, not quoted. */
  name: string;
  descending: boolean;
  /** BINARY, NOCASE or RTRIM; always set, since a key's collation may differ from its column's. */
  collation: string;
  /** True if every value is an integer: the rowid. */
  integer: boolean;
}

/**
 * Returns the names of everything that a row is read by: the key's columns in their order, then the
 * other stored columns. A key may contain a column twice, in two collations.
 */
export function listRowColumns(table: Table): string[] {
  const keys = table.key.map((column) => column.name);
  const others = listStoredColumns(table).filter((column) => !keys.includes(column.name));
  return [...keys, ...others.map((column) => column.name)];
}

/**
 * Returns the columns whose values are stored in the table's rows, so neither generated nor hidden
 * ones.
 */
export function listStoredColumns(table: Table): Column[] {
  return table.columns.filter((column) => column.generated === "no");
}

/**
 * True if rows have one integer key, so that one comparison relates it to the cursor and the end.
 */
export function hasIntegerKey(table: Table): boolean {
  return table.key.length === 1 && table.key[0]?.integer === true;
}
