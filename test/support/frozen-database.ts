import type { DatabaseSync } from "node:sqlite";

import { planDump as planExport } from "../../src/formats/plan-dump.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import type { Catalog } from "../../src/sqlite/catalog.ts";
import { CURSOR_START, type Cursor } from "../../src/rpc/cursor.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { toCommittedPosition } from "../../src/reading/snapshot/committed-position.ts";
import {
  type OpenedSnapshot,
  openSnapshot,
  type OpenRequest,
} from "../../src/reading/snapshot/open-snapshot.ts";
import { SnapshotReader } from "../../src/reading/snapshot/snapshot-reader.ts";
import type { Source } from "../../src/databases/source.ts";
import { dumpDatabase } from "./dump-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "./node-sqlite-source.ts";

/** A database with an open snapshot, for tests that write to it during an export. */
export interface FrozenDatabase {
  db: DatabaseSync;
  source: Source;
  opened: OpenedSnapshot;
  /** The dump of the instant of opening, taken at that time. */
  expected: string;
  /** The dump as the snapshot returns it now. */
  dump: () => Promise<string>;
  /** The same, with `between` called after each page, whose rows are committed immediately. */
  dumpInPages: (between: () => void) => Promise<string>;
  reader: (undoBytesMax?: number) => SnapshotReader;
}

export const SNAPSHOT_ID = "0123abcd-0000-4000-8000-000000000001";

const textOf = (pieces: Uint8Array[]): string => Buffer.from(concatBytes(pieces)).toString("utf8");
const ALL = { source: "main", format: "sql", content: "all" } as const;
const planDump = (catalog: Catalog) => planExport(ALL, catalog);

/** Opens a snapshot of `db`. */
export function freeze(
  source: Source,
  request: Partial<OpenRequest> = {},
): Promise<OpenedSnapshot> {
  const defaults = {
    snapshotId: SNAPSHOT_ID,
    jobId: "job",
    undoBytesMax: 1e9,
    planDump,
    isLeftover: () => false,
  };
  return openSnapshot(source, { ...defaults, ...request });
}

/** Builds a database, takes its dump, and opens a snapshot of it. */
export async function freezeDatabase(
  script: string,
  request: Partial<OpenRequest> = {},
): Promise<FrozenDatabase> {
  const db = openPlatformDatabase();
  db.exec(script);
  return freezeOpen(db, request);
}

/** Takes the dump of `db` in its current state, and opens a snapshot of it. */
export async function freezeOpen(
  db: DatabaseSync,
  request: Partial<OpenRequest> = {},
): Promise<FrozenDatabase> {
  const source = nodeSqliteSource(db);
  const expected = textOf([(await dumpDatabase(source)).bytes]);
  const opened = await freeze(source, request);
  const { createEncoder } = planExport(ALL, opened.catalog);
  const reader = (undoBytesMax = 1e9) =>
    new SnapshotReader(source, opened.record, { undoBytesMax });
  const read = async (between: (cursor: Cursor) => Promise<void>): Promise<string> => {
    const pieces: Uint8Array[] = [];
    const input = { reader: reader(), plan: opened.plan, createEncoder, cursor: CURSOR_START };
    for await (const piece of readDump(input)) {
      pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
      await between(piece.cursor);
    }
    return textOf(pieces);
  };
  let checkpoint = 0;
  return {
    db,
    source,
    opened,
    expected,
    reader,
    dump: () => read(async () => {}),
    dumpInPages: (between) =>
      read(async (cursor) => {
        checkpoint += 1;
        await reader().advance(toCommittedPosition(opened.plan, cursor, checkpoint));
        between();
      }),
  };
}

/**
 * Names of objects that snapshots left in a database; the tests' own tables with such a prefix end
 * in a word.
 */
export function snapshotObjects(db: DatabaseSync): string[] {
  return db
    .prepare(
      "SELECT name FROM sqlite_master WHERE name GLOB 'tmp_export_snapshot_[0-9a-f][0-9a-f]*_*' AND name NOT GLOB '*_notes'",
    )
    .all()
    .map((row) => String(row["name"]));
}
