import type { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";

import { planDump as planExport } from "../formats/plan-dump.ts";
import { concatBytes } from "../lib/bytes.ts";
import { ExportError } from "../api/errors.ts";
import { CURSOR_START, type Cursor } from "../rpc/cursor.ts";
import type { Source } from "../databases/source.ts";
import type { Catalog } from "../sqlite/catalog.ts";
import { digestCatalog, readCatalog } from "./read-catalog.ts";
import { type DumpToRead, ReadingSession } from "./reading-session.ts";
import { freezeDatabase, snapshotObjects } from "../../test/support/frozen-database.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../../test/support/node-sqlite-source.ts";

const SCRIPT = `CREATE TABLE a(id INTEGER PRIMARY KEY, x); INSERT INTO a VALUES (1, 'one'), (2, 'two');
  CREATE TABLE b(id INTEGER PRIMARY KEY, y); INSERT INTO b VALUES (3, 'three');`;

const planDump = (catalog: Catalog) =>
  planExport({ source: "main", format: "sql", content: "all" }, catalog);

/** A database with an open snapshot, and how a session of it is opened; `statements` is what was run since. */
async function frozen(): Promise<{
  db: DatabaseSync;
  expected: string;
  statements: string[];
  open: (change?: Partial<DumpToRead>) => Promise<ReadingSession>;
}> {
  const { db, source, opened, expected } = await freezeDatabase(SCRIPT);
  const statements: string[] = [];
  const catalogDigest = await digestCatalog(opened.catalog);
  const open = (change: Partial<DumpToRead> = {}): Promise<ReadingSession> =>
    ReadingSession.open(recorded(source, statements), {
      catalogDigest,
      record: opened.record,
      undoBytesMax: 1e9,
      planDump,
      ...change,
    });
  return { db, expected, statements, open };
}

function recorded(source: Source, statements: string[]): Source {
  return {
    ...source,
    query: (statement) => {
      statements.push(statement.sql);
      return source.query(statement);
    },
    transaction: (all) => {
      statements.push(...all.map(({ sql }) => sql));
      return source.transaction(all);
    },
  };
}

/** Reads from `cursor` until a piece of `table` is read, or to the end. */
async function readUntil(
  session: ReadingSession,
  cursor: Cursor,
  table?: string,
): Promise<{ text: string; cursor: Cursor }> {
  const pieces: Uint8Array[] = [];
  let at = cursor;
  for await (const piece of session.read(cursor)) {
    pieces.push(...piece.bytes.map((bytes) => bytes.slice()));
    at = piece.cursor;
    if (piece.table === table && piece.rows > 0) break;
  }
  return { text: Buffer.from(concatBytes(pieces)).toString("utf8"), cursor: at };
}

test("reads the instant in several sessions, whatever is written between and in them", async () => {
  const { db, expected, open } = await frozen();
  const first = await open();
  const head = await readUntil(first, CURSOR_START, "a");
  db.exec("UPDATE a SET x = 'late'; UPDATE b SET y = 'late'");
  await first.requireIntact();
  const second = await open();
  await second.commit(head.cursor, 1);
  db.exec("DELETE FROM a; DELETE FROM b");
  const tail = await readUntil(second, head.cursor);
  await second.requireIntact();
  expect(head.text + tail.text).toBe(expected);
});

test("drops the triggers of tables that are committed, and does not miss them", async () => {
  const { db, open } = await frozen();
  const session = await open();
  const { cursor } = await readUntil(session, CURSOR_START, "b");
  const triggers = snapshotObjects(db).length;
  await session.commit(cursor, 1);
  expect(snapshotObjects(db).length).toBeLessThan(triggers);
  await session.requireIntact();
});

test("requests pages while it commits, and returns none before that is done", async () => {
  const { source, opened } = await freezeDatabase(SCRIPT);
  const events: string[] = [];
  let release = (): void => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  const slow: Source = {
    ...source,
    transaction: async (statements) => {
      const isCommit = statements.some(({ sql }) => /^(?:UPDATE|DROP)/.test(sql));
      events.push(isCommit ? "commit" : "page");
      if (isCommit) await gate;
      return source.transaction(statements);
    },
  };
  const catalogDigest = await digestCatalog(opened.catalog);
  const dump = { catalogDigest, record: opened.record, undoBytesMax: 1e9, planDump };
  const head = await readUntil(await ReadingSession.open(source, dump), CURSOR_START, "a");
  const session = await ReadingSession.open(slow, dump);
  events.length = 0;
  const committed = session.commit(head.cursor, 1);
  const tail = readUntil(session, head.cursor).then(() => events.push("read"));
  await expect.poll(() => events).toContain("page");
  await expect.poll(() => events).toContain("commit");
  expect(events).not.toContain("read");
  release();
  await tail;
  await committed;
  expect(events.at(-1)).toBe("read");
});

test("returns nothing if the commit fails", async () => {
  const { source, opened } = await freezeDatabase(SCRIPT);
  const failed = new ExportError("source-unavailable", "the object was reset");
  const broken: Source = {
    ...source,
    transaction: (statements) =>
      statements.some(({ sql }) => /^(?:UPDATE|DROP)/.test(sql))
        ? Promise.reject(failed)
        : source.transaction(statements),
  };
  const catalogDigest = await digestCatalog(opened.catalog);
  const dump = { catalogDigest, record: opened.record, undoBytesMax: 1e9, planDump };
  const head = await readUntil(await ReadingSession.open(source, dump), CURSOR_START, "a");
  const session = await ReadingSession.open(broken, dump);
  await expect(session.commit(head.cursor, 1)).rejects.toBe(failed);
  await expect(session.read(head.cursor).next()).rejects.toBe(failed);
});

test("reads only the schema if an earlier session has planned the dump", async () => {
  const { expected, statements, open } = await frozen();
  const { planned } = await open();
  statements.length = 0;
  const session = await open({ planned });
  expect(session.planned).toBe(planned);
  expect(statements.filter((sql) => sql.includes("pragma_"))).toEqual([]);
  expect((await readUntil(session, CURSOR_START)).text).toBe(expected);
  await session.requireIntact();
});

test("does not take an earlier plan for that of another catalog", async () => {
  const { open } = await frozen();
  const { planned } = await open();
  const other = { ...planned, catalogDigest: "0".repeat(64) };
  expect((await open({ planned: other })).planned).not.toBe(other);
});

test("takes an earlier plan, and reads the whole catalog only if the schema may have changed", async () => {
  const { db, expected, statements, open } = await frozen();
  const { planned } = await open();
  const readAgain = async (): Promise<boolean> => {
    statements.length = 0;
    const session = await open({ planned });
    expect(session.planned).toBe(planned);
    expect((await readUntil(session, CURSOR_START)).text).toBe(expected);
    await session.requireIntact();
    return statements.some((sql) => sql.includes("pragma_table_xinfo"));
  };
  expect(await readAgain()).toBe(false);
  // The local runtime makes this table, and no dump contains it.
  db.exec("CREATE TABLE _cf_KV(key, value)");
  expect(await readAgain()).toBe(true);
});

test("reads nothing by an earlier plan if the schema has changed", async () => {
  const { db, open } = await frozen();
  const { planned } = await open();
  db.exec("DROP TABLE b; CREATE TABLE b(other)");
  const session = await open({ planned });
  await expect(session.read(CURSOR_START).next()).rejects.toMatchObject({ code: "schema-changed" });
  await expect(session.requireIntact()).rejects.toMatchObject({ code: "schema-changed" });
});

test("does not open if the schema has changed since the dump was planned", async () => {
  const { db, open } = await frozen();
  db.exec("CREATE TABLE later(z)");
  await expect(open()).rejects.toMatchObject({ code: "schema-changed" });
});

test("changes nothing in the source if the plan is refused", async () => {
  const { statements, open } = await frozen();
  const refused = new ExportError("plan-changed", "another version plans this differently");
  await expect(open({ planDump: () => Promise.reject(refused) })).rejects.toBe(refused);
  expect(statements.filter((sql) => !sql.startsWith("SELECT"))).toEqual([]);
});

test.each([
  ["the schema changes after the last page", "CREATE TABLE later(z)", "schema-changed"],
  [
    "a table is made anew",
    "DROP TABLE b; CREATE TABLE b(id INTEGER PRIMARY KEY, y)",
    "snapshot-lost",
  ],
])("is not intact if %s", async (_, sql, code) => {
  const { db, open } = await frozen();
  const session = await open();
  await readUntil(session, CURSOR_START);
  db.exec(sql);
  await expect(session.requireIntact()).rejects.toMatchObject({ code });
});

test("asks a source without a snapshot for the schema before and after its pages, and for nothing more", async () => {
  const db = openPlatformDatabase();
  db.exec(SCRIPT);
  const plain = nodeSqliteSource(db);
  const catalogDigest = await digestCatalog(await readCatalog(plain));
  const statements: string[] = [];
  const session = await ReadingSession.open(recorded(plain, statements), {
    catalogDigest,
    record: null,
    undoBytesMax: 1e9,
    planDump,
  });
  const opening = statements.length;
  await session.commit(CURSOR_START, 1);
  expect(statements).toHaveLength(opening);
  const { cursor } = await readUntil(session, CURSOR_START, "a");
  const pages = statements.slice(opening);
  expect(pages.filter((sql) => sql.includes("sqlite_master"))).toEqual([]);
  expect(cursor.artifact).toBe(0);
  await session.requireIntact();
  expect(statements.slice(opening + pages.length)).toEqual([
    expect.stringContaining("sqlite_master"),
  ]);
  db.exec("CREATE TABLE later(z)");
  await expect(session.requireIntact()).rejects.toMatchObject({ code: "schema-changed" });
});
