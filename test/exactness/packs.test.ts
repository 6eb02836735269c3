import type { DatabaseSync } from "node:sqlite";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

import { MIB, ONE_TURN_BYTES_MAX, PART_BYTES_MIN } from "../../src/api/limits.ts";
import type { PackIndex } from "../../src/api/pack-index.ts";
import { compareUtf8 } from "../../src/lib/compare-utf8.ts";
import type { ArtifactStore } from "../../src/storage/artifact-store.ts";
import { findMember, readPackIndex } from "../../src/storage/packs/find-member.ts";
import { writePackIndex } from "../../src/storage/packs/write-index.ts";
import { s3ArtifactStore } from "../../src/storage/s3/s3-artifact-store.ts";
import { type BackedUpBatch, backUpBatch } from "../../src/workflows/fleet/back-up-batch.ts";
import { comparisonOf } from "../support/check-exactness.ts";
import { compareDatabases } from "../support/compare-databases.ts";
import { dumpDatabase } from "../support/dump-database.ts";
import { type S3Server, startLocalR2 } from "../support/local-r2.ts";
import { nodeSqliteSource, openPlatformDatabase } from "../support/node-sqlite-source.ts";
import { addReadAtLeast } from "../support/read-at-least.ts";
import { restoreStatements } from "../support/restore-dump.ts";
import { type Trap, TRAPS } from "../support/traps.ts";

/** Every trap is a member whose name is the trap's title. */
const BY_NAME = new Map<string, Trap>(TRAPS.map((trap) => [trap.title, trap]));
const MEMBERS = [...BY_NAME.keys()].sort(compareUtf8);

const DECOMPRESS = {
  none: (file: Uint8Array): Uint8Array => file,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
};

type Compression = keyof typeof DECOMPRESS;

let server: S3Server;
let store: ArtifactStore;

beforeAll(async () => {
  addReadAtLeast();
  server = await startLocalR2();
  store = s3ArtifactStore(server.bucket, { localDevelopment: true });
});
afterAll(() => server.stop());

function openMember(name: string): DatabaseSync {
  const db = openPlatformDatabase();
  for (const statement of BY_NAME.get(name)?.script ?? []) db.exec(statement);
  return db;
}

async function backUp(
  compression: Compression,
): Promise<{ done: BackedUpBatch; index: PackIndex }> {
  const key = `pack of ${compression}`;
  const contentType = "application/sql";
  const done = await backUpBatch({
    members: MEMBERS,
    from: 0,
    request: { source: "main", compression, content: "all" },
    oneTurnBytes: ONE_TURN_BYTES_MAX,
    openMember: (name) => nodeSqliteSource(openMember(name)),
    place: { store, key, contentType, partBytes: PART_BYTES_MIN, recordUpload: async () => {} },
    beat: async () => {},
    limits: { ms: 10 * 60_000, packBytes: 1_024 * MIB },
  });
  if (done.pack === null) return expect.unreachable("every trap has a table");
  const fleet = { fleetId: "fleet", source: "main", namedBy: "name", contentType } as const;
  await writePackIndex(store, `${key}.json`, done.pack, fleet);
  return { done, index: await readPackIndex(store, `${key}.json`) };
}

describe.each(["none", "gzip", "zstd"] as const)("a pack (compression: %s)", (compression) => {
  let done: BackedUpBatch;
  let index: PackIndex;

  beforeAll(async () => {
    ({ done, index } = await backUp(compression));
  });

  test("has each trap, unless it is too large for one turn", () => {
    expect(done.next).toBe(MEMBERS.length);
    expect(done.failures).toEqual([]);
    const packed = index.members.map(({ member }) => member);
    expect([...packed, ...done.large].sort(compareUtf8)).toEqual(MEMBERS);
    expect(packed.length).toBeGreaterThan(MEMBERS.length * 0.8);
  });

  test.each(MEMBERS)("%s", async (name) => {
    const found = findMember(index, name);
    if (found === undefined) return expect(done.large).toContain(name);
    const range = { offset: found.offset, length: found.bytes };
    const body = await store.read(`pack of ${compression}`, range);
    const file = new Uint8Array(await new Response(body).arrayBuffer());
    const script = DECOMPRESS[compression](file);

    const source = openMember(name);
    const restored = restoreStatements(script);
    const dump = await dumpDatabase(nodeSqliteSource(source));
    const isAllowed = BY_NAME.get(name)?.differs;
    const differences = compareDatabases(source, restored, comparisonOf(dump));
    expect(differences.filter((each) => isAllowed?.test(each) !== true)).toEqual([]);
    expect(Buffer.compare(script, dump.bytes)).toBe(0);
  });
});
