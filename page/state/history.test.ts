import { expect, test } from "vitest";

import {
  appendOlder,
  dropJob,
  EMPTY_HISTORY,
  type History,
  mergeNewest,
  putJob,
} from "./history.ts";

interface Job {
  jobId: string;
  createdAt: string;
  status?: string;
}

const job = (number: number, status?: string): Job => ({
  jobId: `job-${number}`,
  createdAt: `2026-11-${String(number).padStart(2, "0")}`,
  ...(status === undefined ? {} : { status }),
});

const numbersOf = ({ jobs }: History<Job>): number[] =>
  jobs.map(({ jobId }) => Number(jobId.slice("job-".length)));

const loaded = { jobs: [5, 4, 3, 2].map((each) => job(each)), cursor: "after-2" };

test("the newest page replaces what it contains, and older jobs stay", () => {
  const merged = mergeNewest(loaded, {
    jobs: [job(6), job(5, "failed"), job(4)],
    cursor: "after-4",
  });
  expect(numbersOf(merged)).toEqual([6, 5, 4, 3, 2]);
  expect(merged.jobs[1]?.status).toBe("failed");
  expect(merged.cursor).toBe("after-2");
});

test("a loaded job that the newest page would contain was deleted", () => {
  const merged = mergeNewest(loaded, { jobs: [job(5), job(3)], cursor: "after-3" });
  expect(numbersOf(merged)).toEqual([5, 3, 2]);
});

test("a page that reaches no loaded job starts the history again", () => {
  const merged = mergeNewest(loaded, { jobs: [job(9), job(8)], cursor: "after-8" });
  expect(numbersOf(merged)).toEqual([9, 8]);
  expect(merged.cursor).toBe("after-8");
});

test("a page without a successor is everything", () => {
  expect(numbersOf(mergeNewest(loaded, { jobs: [job(5)], cursor: null }))).toEqual([5]);
  expect(mergeNewest(EMPTY_HISTORY as History<Job>, { jobs: [], cursor: null }).jobs).toEqual([]);
});

test("older jobs are appended once", () => {
  const all = appendOlder(loaded, { jobs: [job(2), job(1)], cursor: null });
  expect(numbersOf(all)).toEqual([5, 4, 3, 2, 1]);
  expect(all.cursor).toBeNull();
});

test("a view replaces its job, a new job comes first, and an old unknown one is not added", () => {
  expect(putJob(loaded, job(3, "failed")).jobs[2]?.status).toBe("failed");
  expect(numbersOf(putJob(loaded, job(6)))).toEqual([6, 5, 4, 3, 2]);
  expect(numbersOf(putJob(loaded, job(1)))).toEqual([5, 4, 3, 2]);
  expect(numbersOf(dropJob(loaded, "job-4"))).toEqual([5, 3, 2]);
});
