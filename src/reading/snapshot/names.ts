import { assert } from "../../lib/assert.ts";
import { isSnapshotName, SNAPSHOT_DIGITS, SNAPSHOT_PREFIX } from "../../sqlite/own-objects.ts";

/**
 * The form of a snapshot's id: a UUID. Its first 16 digits distinguish its objects from those of
 * other snapshots.
 */
const SNAPSHOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Names of one snapshot's own objects in the customer's database, unquoted. Each starts with a
 * prefix that identifies their owner, since they appear in SQLite's error messages.
 */
export class SnapshotNames {
  /** The start of every name of this snapshot, and of no name of another one. */
  readonly prefix: string;

  constructor(snapshotId: string) {
    assert(SNAPSHOT_ID.test(snapshotId), "a snapshot's id is a UUID in lower case");
    this.prefix = `${SNAPSHOT_PREFIX}_${snapshotId.replaceAll("-", "").slice(0, SNAPSHOT_DIGITS)}_`;
  }

  /** One row: the snapshot's owner, its lease, and the size of the undo log. */
  get state(): string {
    return `${this.prefix}${STATE}`;
  }

  /**
   * One row per watched table: what is committed, and where the table ended when the snapshot was
   * opened.
   */
  get cursor(): string {
    return `${this.prefix}cursor`;
  }

  /** A page for each small table in a database with many tables. */
  get pages(): string {
    return `${this.prefix}pages`;
  }

  /** Texts that queries returned when the snapshot was opened. */
  get texts(): string {
    return `${this.prefix}texts`;
  }

  /** The undo log of all tables with an integer key. */
  get sharedUndo(): string {
    return `${this.prefix}undo`;
  }

  /** The undo log of one table. */
  undo(table: number): string {
    return `${this.prefix}t${table}_undo`;
  }

  /** The columns that do not fit into `undo`. */
  wide(table: number): string {
    return `${this.prefix}t${table}_wide`;
  }

  /** The row that is about to be written, with the table's affinities and collations. */
  probe(table: number): string {
    return `${this.prefix}t${table}_probe`;
  }

  /** All rows of a table that triggers cannot watch. */
  copy(table: number): string {
    return `${this.prefix}t${table}_copy`;
  }

  trigger(table: number, event: string): string {
    return `${this.prefix}t${table}_on_${event}`;
  }
}

const STATE = "state";

/**
 * Returns the number of the table that a watching trigger belongs to; undefined for other names.
 */
export function findWatchedTable(triggerName: string, names: SnapshotNames): number | undefined {
  const match = /^t(\d+)_on_/.exec(triggerName.slice(names.prefix.length));
  return triggerName.startsWith(names.prefix) && match !== null ? Number(match[1]) : undefined;
}

/**
 * Returns the start of one snapshot's names from the name of any of its objects; undefined for
 * other names.
 */
export function findSnapshotPrefix(objectName: string): string | undefined {
  if (!isSnapshotName(objectName)) return undefined;
  return objectName.slice(0, SNAPSHOT_PREFIX.length + SNAPSHOT_DIGITS + 2);
}

/** Returns the name of the state table among a snapshot's objects. */
export function nameStateTable(prefix: string): string {
  return `${prefix}${STATE}`;
}

/** SQL that is true for names in column `column` that start with `prefix`. */
export function startsWithSql(column: string, prefix: string): string {
  return `substr(${column}, 1, ${prefix.length}) = '${prefix}'`;
}
