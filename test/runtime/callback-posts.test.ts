import { env, runInDurableObject } from "cloudflare:test";
import { afterEach, beforeEach, expect, test } from "vitest";

import type { RunPayload } from "../../src/rpc/run-payload.ts";
import { CALLBACK_ATTEMPTS_MAX } from "../../src/notify/callback-schedule.ts";
import { beginPost, type PostDecision } from "../../src/jobs/commands/begin-post.ts";
import { startEnding } from "../../src/jobs/commands/start-ending.ts";
import {
  getCallbackGraceMs,
  listOverdueCallbacks,
  recordCallback,
} from "../../src/jobs/tables/job-callback-columns.ts";
import { getJob, type JobRow } from "../../src/jobs/tables/job-rows.ts";
import { insertOrphan } from "../support/orphan-job.ts";
import { inJobs } from "../support/writing-job.ts";

/** When the job has ended. */
const ENDED_MS = 1_790_000_000_000;

let jobId = "";

beforeEach(async () => {
  jobId = await insertOrphan();
  await inJobs(
    `UPDATE tmp_export_jobs SET state = 'completed', completed_at_ms = ?, heartbeat_at_ms = ?,
       callback_url = 'https://example.com', callback_status = 'pending'`,
    ENDED_MS,
    ENDED_MS,
  );
});

afterEach(() => inJobs("DELETE FROM tmp_export_jobs"));

function inSql<T>(work: (sql: SqlStorage) => T): Promise<T> {
  return runInDurableObject(
    env.EXPORT_JOBS.getByName("jobs"),
    (_, { storage }) => work(storage.sql) as never,
  );
}

const turn = (attempt: number, nowMs: number): Promise<PostDecision> =>
  inSql((sql) => beginPost(sql, getJob(sql, jobId), { attempt, nowMs }));

const row = (): Promise<JobRow> => inSql((sql) => getJob(sql, jobId));

test("a job has ten posts at most, wherever its senders die", async () => {
  let posts = 0;
  let nowMs = ENDED_MS;
  // Each sender dies after its post, and another begins where the records end, or one after it.
  for (let sender = 0; sender < 40; sender += 1) {
    const { callback_attempts: recorded } = await row();
    let next = await turn(recorded + 1, nowMs);
    if (next.do === "wait") next = await turn(next.attempt, nowMs + next.delayMs);
    if (next.do === "post") posts += 1;
    nowMs += 120_000;
  }
  expect(posts).toBe(CALLBACK_ATTEMPTS_MAX);
  expect(await row()).toMatchObject({
    callback_status: "failed",
    callback_last_error: "the end of the last attempt was not recorded",
  });
});

test("of two senders at once one posts, and the other waits until that post is over", async () => {
  expect(await turn(1, ENDED_MS)).toEqual({ do: "post" });
  const waits = { do: "wait", attempt: 1, delayMs: 15_000 };
  expect(await turn(1, ENDED_MS + 5_000)).toEqual(waits);
  expect(await turn(2, ENDED_MS + 5_000)).toEqual(waits);
  const lost = await turn(1, ENDED_MS + 20_000);
  expect(lost).toEqual({ do: "wait", attempt: 2, delayMs: 0 });
  expect(await turn(2, ENDED_MS + 20_000)).toEqual({ do: "post" });
});

test("a sender that has waited for another's post sends the next attempt at its time", async () => {
  await turn(1, ENDED_MS);
  const waits = await turn(1, ENDED_MS + 1_000);
  const move = { status: "pending", delayMs: 60_000 } as const;
  await inSql((sql) =>
    recordCallback(sql, { jobId, attempt: 1, error: "503", nowMs: ENDED_MS + 2_000, move }),
  );
  const attempt = waits.do === "wait" ? waits.attempt : 0;
  const later = await turn(attempt, ENDED_MS + 20_000);
  expect(later).toEqual({ do: "wait", attempt: 2, delayMs: 42_000 });
});

test("a sender that also closes a snapshot waits for the time of the next attempt", async () => {
  const senderAttempt = async (): Promise<number> => {
    const created: { params: RunPayload }[] = [];
    const EXPORT_WORKFLOW = { create: async (each: { params: RunPayload }) => created.push(each) };
    await runInDurableObject(env.EXPORT_JOBS.getByName("jobs"), (_, { storage }) =>
      startEnding({ storage, sql: storage.sql, env: { EXPORT_WORKFLOW } as never }, jobId),
    );
    const params = created[0]?.params;
    return params?.kind === "ending" ? params.callbackFrom : 0;
  };
  expect(await turn(await senderAttempt(), ENDED_MS)).toEqual({ do: "post" });
  const move = { status: "pending", delayMs: 60_000 } as const;
  await inSql((sql) =>
    recordCallback(sql, { jobId, attempt: 1, error: "503", nowMs: ENDED_MS, move }),
  );
  const early = await turn(await senderAttempt(), ENDED_MS + 5_000);
  expect(early).toEqual({ do: "wait", attempt: 2, delayMs: 55_000 });
  const overdue = await turn(await senderAttempt(), ENDED_MS + 600_000);
  expect(overdue).toEqual({ do: "wait", attempt: 2, delayMs: 0 });
});

test("what was delivered is delivered, although a later attempt has begun", async () => {
  await turn(1, ENDED_MS);
  await turn(2, ENDED_MS + 60_000);
  const late = { jobId, attempt: 1, error: null, nowMs: ENDED_MS + 61_000 };
  await inSql((sql) => recordCallback(sql, { ...late, move: { status: "pending", delayMs: 5 } }));
  expect(await row()).toMatchObject({ callback_status: "pending", callback_attempts: 0 });
  await inSql((sql) => recordCallback(sql, { ...late, move: { status: "delivered" } }));
  expect(await row()).toMatchObject({ callback_status: "delivered", callback_attempts: 1 });
  expect(await turn(3, ENDED_MS + 120_000)).toEqual({ do: "end" });
});

test("no second sender is started while the first may still be posting, however short a stall is", async () => {
  const overdue = (nowMs: number): Promise<number> =>
    inSql((sql) => {
      const graceMs = getCallbackGraceMs(5_000);
      return listOverdueCallbacks(sql, { nowMs, graceMs, limit: 10 }).length;
    });
  expect(await overdue(ENDED_MS + 60_000)).toBe(0);
  expect(await overdue(ENDED_MS + 60_001)).toBe(1);
  await turn(1, ENDED_MS + 50_000);
  expect(await overdue(ENDED_MS + 110_000)).toBe(0);
  expect(await overdue(ENDED_MS + 110_001)).toBe(1);
});
