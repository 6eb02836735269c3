import { env, runInDurableObject } from "cloudflare:test";
import { beforeEach, expect, test } from "vitest";

import { DEFAULT_ABILITIES, type Source } from "../../src/databases/source.ts";
import { findJob } from "../../src/jobs/tables/job-rows.ts";
import { beginExport } from "../../src/workflows/export/begin-export.ts";
import { closeRunSnapshot } from "../../src/workflows/ending/close-snapshot.ts";
import { type RunContext, openRunContext } from "../../src/workflows/engine/run-context.ts";
import { emptyDatabase, query, snapshotObjects } from "../support/api.ts";
import { insertOrphan } from "../support/orphan-job.ts";

const jobs = () => env.EXPORT_JOBS.getByName("jobs");

async function snapshotPrefixes(): Promise<Set<string>> {
  return new Set((await snapshotObjects()).map(({ name }) => name.slice(0, 36)));
}

/** The context of a try that is overtaken by another one where `when` says. */
function overtaken(
  context: RunContext,
  when: (source: Source, overtake: () => Promise<void>) => Source,
  overtake: () => Promise<void>,
): RunContext {
  return { ...context, openSource: (request) => when(context.openSource(request), overtake) };
}

beforeEach(async () => {
  await emptyDatabase();
  await query("CREATE TABLE t(id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)");
});

test.each([
  [
    "before it looks for others",
    "snapshot-busy",
    (source: Source, overtake: () => Promise<void>): Source => ({
      ...source,
      query: async (statement) => {
        // Other requests are made at the same time.
        if (statement.sql.includes("'tmp_export_snapshot_'")) await overtake();
        return source.query(statement);
      },
    }),
  ],
  [
    "behind its opening",
    "try-overtaken",
    (source: Source, overtake: () => Promise<void>): Source => ({
      ...source,
      transaction: async (statements) => {
        const results = await source.transaction(statements);
        if (statements.some(({ sql }) => sql.startsWith("CREATE TRIGGER"))) await overtake();
        return results;
      },
    }),
  ],
] as const)(
  "an opening that another try has overtaken %s takes nothing from it",
  async (_when, code, when) => {
    const of = { jobId: await insertOrphan(), run: 1 };
    const context = openRunContext(env, of);
    let isOvertaken = false;
    let later: string | undefined;
    const late = overtaken(context, when, async () => {
      if (isOvertaken) return;
      isOvertaken = true;
      later = (await beginExport(context)).snapshotId;
    });
    await expect(beginExport(late)).rejects.toMatchObject({ code });
    const job = await runInDurableObject(jobs(), (_, { storage }) =>
      findJob(storage.sql, of.jobId),
    );
    expect(job?.snapshot_id).toBe(later);
    expect(JSON.parse(job?.snapshot_json ?? "{}")).toMatchObject({ snapshotId: later });
    const digits = later?.replaceAll("-", "").slice(0, 16) ?? "";
    expect(await snapshotPrefixes()).toEqual(new Set([`tmp_export_snapshot_${digits}`]));
    await expect(beginExport(context)).resolves.toMatchObject({ snapshotId: later });
    await jobs().remove(of.jobId);
  },
);

test("an opening whose job is cancelled meanwhile leaves nothing in the database", async () => {
  const of = { jobId: await insertOrphan(), run: 1 };
  const context = openRunContext(env, of);
  const late = overtaken(
    context,
    (source, overtake) => ({
      ...source,
      transaction: async (statements) => {
        const results = await source.transaction(statements);
        if (statements.some(({ sql }) => sql.startsWith("CREATE TRIGGER"))) await overtake();
        return results;
      },
    }),
    async () => void (await jobs().remove(of.jobId)),
  );
  await expect(beginExport(late)).rejects.toMatchObject({ code: "run-superseded" });
  expect(await snapshotPrefixes()).toEqual(new Set());
});

test("openings whose answers were lost, until their job gave up, are closed with the last", async () => {
  const of = { jobId: await insertOrphan(), run: 1 };
  const context = openRunContext(env, of);
  const lost = (source: Source): Source => {
    let isOpened = false;
    return {
      ...source,
      transaction: async (statements) => {
        if (isOpened) throw new Error("gone");
        const results = await source.transaction(statements);
        isOpened = statements.some(({ sql }) => sql.startsWith("CREATE TRIGGER"));
        if (isOpened) throw new Error("gone");
        return results;
      },
    };
  };
  const unheard: RunContext = { ...context, openSource: (from) => lost(context.openSource(from)) };
  await expect(beginExport(unheard)).rejects.toThrow("gone");
  const deaf: RunContext = {
    ...context,
    openSource: () => ({
      ...DEFAULT_ABILITIES,
      query: () => Promise.reject(new Error("gone")),
      transaction: () => Promise.reject(new Error("gone")),
    }),
  };
  await expect(beginExport(deaf)).rejects.toThrow("gone");
  await jobs().fail(of, { code: "source-unavailable", message: "gone" });
  expect((await snapshotPrefixes()).size).toBe(1);
  await closeRunSnapshot(context);
  expect(await snapshotPrefixes()).toEqual(new Set());
});
