import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { env } from "cloudflare:test";
import { expect, test, vi } from "vitest";

import { ExportError } from "../../src/api/errors.ts";
import { MIB, PART_BYTES_DEFAULT } from "../../src/api/limits.ts";
import { durableObjectSource } from "../../src/databases/durable-object/durable-object-source.ts";
import type { Source } from "../../src/databases/source.ts";
import { r2ArtifactStore } from "../../src/storage/r2/r2-artifact-store.ts";
import {
  type BackedUpBatch,
  type Batch,
  backUpBatch,
} from "../../src/workflows/fleet/back-up-batch.ts";
import { dumpDatabase } from "../support/dump-database.ts";

const names = (count: number): string[] =>
  Array.from({ length: count }, (_, n) => `tenant ${String(n).padStart(4, "0")}`);

function openTenant(name: string): Source {
  return durableObjectSource(
    () => env.DATABASE_DURABLE_OBJECT.getByName(`fleet ${name}`),
    "DATABASE_DURABLE_OBJECT",
  );
}

/** Fills the databases of members with two rows each, unless they have them. */
async function fill(members: readonly string[]): Promise<void> {
  for (const member of members) {
    await openTenant(member).transaction([
      { sql: "CREATE TABLE IF NOT EXISTS notes(id INTEGER PRIMARY KEY, text)" },
      { sql: "INSERT OR REPLACE INTO notes VALUES (1, ?)", params: [member] },
      { sql: "INSERT OR REPLACE INTO notes VALUES (2, 'two')" },
    ]);
  }
}

/** Backs up a batch, and returns what its pack contains in the bucket. */
async function backUp(members: string[], batch: Partial<Batch> = {}) {
  const key = `packs/${crypto.randomUUID()}`;
  const done = await backUpBatch({
    members,
    from: 0,
    request: { source: "main", compression: "none", content: "all" },
    oneTurnBytes: MIB,
    openMember: openTenant,
    place: {
      store: r2ArtifactStore(env.EXPORT_R2_BUCKET),
      key,
      contentType: "application/sql",
      partBytes: PART_BYTES_DEFAULT,
      recordUpload: async () => {},
    },
    beat: async () => {},
    ...batch,
    limits: { retryMs: 1, ...batch.limits },
  });
  const object = await env.EXPORT_R2_BUCKET.get(key);
  return { done, bytes: await object?.bytes() };
}

const packed = ({ pack }: BackedUpBatch): string[] | undefined =>
  pack?.members.map(({ member }) => member);

test("each member is in the pack once, in order, with the bytes of its own dump", async () => {
  const members = names(14);
  await fill(members);
  const { done, bytes } = await backUp(members, {
    // The first ones answer last.
    openMember: (member) => {
      const source = openTenant(member);
      const transaction: Source["transaction"] = async (statements) => {
        await scheduler.wait(members.indexOf(member) % 6 === 0 ? 20 : 0);
        return source.transaction(statements);
      };
      return { ...source, transaction };
    },
  });
  expect(packed(done)).toEqual(members);
  expect(done).toMatchObject({ next: 14, empty: 0, large: [], failures: [], rows: 28 });
  for (const { member, offset, bytes: length, sha256 } of done.pack?.members ?? []) {
    const file = bytes?.subarray(offset, offset + length) ?? new Uint8Array();
    const { bytes: dump } = await dumpDatabase(openTenant(member));
    expect(Buffer.from(file).toString()).toBe(Buffer.from(dump).toString());
    expect(createHash("sha256").update(file).digest("hex")).toBe(sha256);
  }
});

test("at most six databases are read at once", async () => {
  let reading = 0;
  let most = 0;
  await fill(names(14));
  await backUp(names(14), {
    openMember: (member) => {
      const source = openTenant(member);
      reading += 1;
      most = Math.max(most, reading);
      let isOver = false;
      const query: Source["transaction"] = async (statements) => {
        await scheduler.wait(1);
        const results = await source.transaction(statements);
        // The last turn of a member reads its rows.
        if (!isOver && statements.some(({ sql }) => sql.includes("unixepoch"))) {
          isOver = true;
          reading -= 1;
        }
        return results;
      };
      return { ...source, transaction: query };
    },
  });
  expect(most).toBe(6);
});

test("a member that throws, is unavailable, hangs, has no methods, is empty or is large costs only itself", async () => {
  let attempts = 0;
  const failing = (
    code: "source-unavailable" | "source-timeout" | "configuration-invalid",
  ): Source => {
    const fail = (): Promise<never> => {
      attempts += 1;
      return Promise.reject(new ExportError(code, "the test says so"));
    };
    return { ...openTenant(""), query: fail, transaction: fail };
  };
  const odd: Record<string, () => Source> = {
    "tenant 0001": () => failing("source-unavailable"),
    // As the source reports a call without an answer.
    "tenant 0002": () => failing("source-timeout"),
    "tenant 0003": () => failing("configuration-invalid"),
    "tenant 0004": () => openTenant("without tables"),
    "tenant 0005": () => openTenant("too large"),
    "tenant 0006": () => {
      throw new TypeError("undefined is not a function");
    },
  };
  await fill([...names(8), "too large"]);
  await openTenant("too large").query({
    sql: "UPDATE notes SET text = zeroblob(1100000) WHERE id = 1",
  });
  const openMember = (name: string): Source => (odd[name] ?? (() => openTenant(name)))();
  const { done } = await backUp(names(8), { openMember });
  expect(packed(done)).toEqual(["tenant 0000", "tenant 0007"]);
  expect(done).toMatchObject({
    next: 8,
    empty: 1,
    large: ["tenant 0005"],
    failures: [
      { member: "tenant 0001", code: "source-unavailable", message: "the test says so" },
      { member: "tenant 0002", code: "source-timeout", message: "the test says so" },
      { member: "tenant 0003", code: "configuration-invalid", message: "the test says so" },
      { member: "tenant 0006", code: "internal-error", message: "undefined is not a function" },
    ],
  });
  // Only what may pass is tried again.
  expect(attempts).toBe(3 + 1 + 1);
});

test("a member that is unavailable once is read by the next attempt", async () => {
  let calls = 0;
  await fill(["a"]);
  const { done } = await backUp(["a"], {
    openMember: (member) => {
      calls += 1;
      if (calls === 1) throw new ExportError("source-unavailable", "the object was reset");
      return openTenant(member);
    },
  });
  expect(packed(done)).toEqual(["a"]);
  expect(done.failures).toEqual([]);
});

test.each([
  ["members", { members: 5 }, 5],
  ["bytes", { packBytes: 1 }, 6],
  ["time", { ms: 0 }, 1],
])("batches that end because of their %s continue one another", async (_, limits, length) => {
  const members = names(14);
  await fill(members);
  const all: string[] = [];
  for (let from = 0; from < members.length;) {
    const { done } = await backUp(members, { from, limits });
    expect(done.next - from).toBeLessThanOrEqual(length);
    expect(done.next).toBeGreaterThan(from);
    all.push(...(packed(done) ?? []));
    from = done.next;
  }
  expect(all).toEqual(members);
});

test("nothing is stored if no member has anything to pack", async () => {
  const openMember = (): Source => openTenant("without tables");
  const { done, bytes } = await backUp(names(3), { openMember });
  expect(bytes).toBeUndefined();
  expect(done).toMatchObject({ next: 3, pack: null, empty: 3 });
});

test("a member that answers late does not make the run look silent", async () => {
  let beats = 0;
  await fill(["a"]);
  const { done } = await backUp(["a"], {
    openMember: (member) => {
      const source = openTenant(member);
      const transaction: Source["transaction"] = async (statements) => {
        await vi.waitUntil(() => beats > 1, { timeout: 10_000 });
        return source.transaction(statements);
      };
      return { ...source, transaction };
    },
    beat: async () => void (beats += 1),
  });
  expect(packed(done)).toEqual(["a"]);
});

test("a run that was replaced ends its batch", async () => {
  const beat = (): Promise<never> =>
    Promise.reject(new ExportError("run-superseded", "the job has a newer run"));
  await expect(backUp(names(3), { beat })).rejects.toMatchObject({ code: "run-superseded" });
});
