import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";

import { assert } from "../../lib/assert.ts";
import { MIB } from "../../api/limits.ts";
import { dumpDatabase } from "../../../test/support/dump-database.ts";
import {
  nodeSqliteSource,
  openPlatformDatabase,
} from "../../../test/support/node-sqlite-source.ts";
import { TRAPS } from "../../../test/support/traps.ts";
import { dumpMember, type MemberRequest } from "./dump-member.ts";

const REQUEST: MemberRequest = { source: "main", compression: "none", content: "all" };

function sourceOf(script: readonly string[]) {
  const db = openPlatformDatabase();
  for (const statement of script) db.exec(statement);
  return nodeSqliteSource(db);
}

test("every trap that is small has the bytes of an export job's dump", async () => {
  let small = 0;
  for (const { title, script } of TRAPS) {
    const source = sourceOf(script);
    const dump = await dumpMember(source, REQUEST, MIB);
    if (dump.kind !== "small") continue;
    small += 1;
    const { bytes } = await dumpDatabase(source);
    expect([title, Buffer.compare(dump.file, bytes)]).toEqual([title, 0]);
  }
  expect(small).toBeGreaterThan(TRAPS.length * 0.8);
});

test("a compressed file is whole", async () => {
  const source = sourceOf(["CREATE TABLE t(a)", "INSERT INTO t VALUES ('one'), (2)"]);
  const plain = await dumpMember(source, REQUEST, MIB);
  const gzip = await dumpMember(source, { ...REQUEST, compression: "gzip" }, MIB);
  assert(plain.kind === "small" && gzip.kind === "small", "both are small");
  expect(gunzipSync(gzip.file).equals(plain.file)).toBe(true);
  expect(gzip).toMatchObject({ rows: 2, warnings: [] });
});

test("a database without tables is empty, and one with only a view is not", async () => {
  expect((await dumpMember(sourceOf([]), REQUEST, MIB)).kind).toBe("empty");
  const view = sourceOf(["CREATE VIEW v AS SELECT 1"]);
  expect((await dumpMember(view, REQUEST, MIB)).kind).toBe("small");
});

test("a database whose only content is entries that its class cannot export is not empty, and has a warning", async () => {
  const source = sourceOf(["CREATE TABLE _cf_KV(key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID"]);
  const dump = await dumpMember({ ...source, hasKeyValues: true }, REQUEST, MIB);
  assert(dump.kind === "small", "it has no table");
  expect(dump.warnings.join("\n")).toContain("key-value");
});

test("a database that does not fit into one turn is large", async () => {
  const source = sourceOf(["CREATE TABLE t(a)", "INSERT INTO t VALUES (zeroblob(3000))"]);
  expect((await dumpMember(source, REQUEST, 2_000)).kind).toBe("large");
  expect((await dumpMember(source, REQUEST, 4_000)).kind).toBe("small");
});

test("a table that the request asks for and the database lacks is an error", async () => {
  const request = { ...REQUEST, tables: { include: ["users"] } };
  await expect(dumpMember(sourceOf(["CREATE TABLE t(a)"]), request, MIB)).rejects.toMatchObject({
    code: "table-not-found",
  });
});
