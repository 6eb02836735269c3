import fc from "fast-check";
import { expect, test } from "vitest";

import {
  isScriptKey,
  toBucketFolder,
  toIdFolder,
  toKeyBeside,
  toManifestKey,
  toObjectKey,
  toPackKeys,
} from "./object-key.ts";
import { isReadableKey, type NamedJob, withPlanNumber } from "./readable-key.ts";

const JOB: NamedJob = {
  jobId: "0b1f2c3d-8a5e-4d3c-9b1a-000000000000",
  source: "main",
  object: { name: "acme" },
  createdAtMs: Date.UTC(2026, 10, 28, 3, 17, 0, 999),
};
const SHORT = "exports/main/acme/2026/11/28/20261128T031700Z-0b1f2c3d";

test("a bucket's folder shows the job, and counts its plans from the second on", () => {
  expect(toBucketFolder(JOB, { number: 1, isIdTaken: false })).toBe(`${SHORT}/`);
  expect(toBucketFolder(JOB, { number: 2, isIdTaken: false })).toBe(`${SHORT}-2/`);
});

test("a bucket's folder contains the whole id if another job's id begins alike", () => {
  const whole = `${SHORT}-8a5e-4d3c-9b1a-000000000000`;
  expect(toBucketFolder(JOB, { number: 1, isIdTaken: true })).toBe(`${whole}/`);
  expect(toBucketFolder(JOB, { number: 3, isIdTaken: true })).toBe(`${whole}-3/`);
});

test.each([false, true])("a plan's number replaces the one before (whole id: %s)", (isIdTaken) => {
  // Its id begins like the date.
  const job = { ...JOB, jobId: "20261128-2026-4d3c-9b1a-000020261128" };
  const [first, second, third] = [1, 2, 3].map((number) =>
    toBucketFolder(job, { number, isIdTaken }),
  );
  expect(withPlanNumber(first ?? "", { jobId: job.jobId, number: 2 })).toBe(second);
  expect(withPlanNumber(second ?? "", { jobId: job.jobId, number: 3 })).toBe(third);
});

const digits = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom("0", "1", "2"), minLength: length, maxLength: length });
/** Ids that begin alike, and end like a number of a plan. */
const jobId = fc
  .tuple(digits(1), digits(12))
  .map(([first, last]) => `${first}b1f2c3d-0000-4000-8000-${last}`);
const plan = fc.record({ number: fc.integer({ min: 1, max: 12 }), isIdTaken: fc.boolean() });

test("no two plans share a folder, and no folder is within another", () => {
  fc.assert(
    fc.property(jobId, jobId, plan, plan, (one, other, first, second) => {
      // Two jobs that begin alike do not both have the short form.
      const areBothShort = !first.isIdTaken && !second.isIdTaken;
      fc.pre(one === other || one[0] !== other[0] || !areBothShort);
      const isSame =
        one === other && first.number === second.number && first.isIdTaken === second.isIdTaken;
      const folders = [
        toBucketFolder({ ...JOB, jobId: one }, first),
        toBucketFolder({ ...JOB, jobId: other }, second),
      ];
      expect(folders[0] === folders[1]).toBe(isSame);
      if (!isSame) expect(folders[0]?.startsWith(folders[1] ?? "")).toBe(false);
    }),
    { numRuns: 2_000 },
  );
});

test("only the keys of readable folders are readable, and a source is never a folder of scripts", () => {
  const folder = toBucketFolder({ ...JOB, source: "imports" }, { number: 1, isIdTaken: false });
  const key = toManifestKey({ folder });
  expect([isReadableKey(key), isScriptKey(key)]).toEqual([true, false]);
  const former = toManifestKey({ folder: toIdFolder({ ...JOB, snapshotId: JOB.jobId }) });
  expect([isReadableKey(former), isScriptKey(former)]).toEqual([false, false]);
});

test("the longest key is one that a restore can name and R2 accepts", () => {
  const longest = { ...JOB, source: "s".repeat(100), object: { name: "n".repeat(1_000) } };
  const folder = toBucketFolder(longest, { number: 12, isIdTaken: true });
  const { index } = toPackKeys({ folder, number: 1, attempt: "0".repeat(36), suffix: ".sql.zst" });
  const sealed = `sealed-${JOB.jobId}/${"t".repeat(110)}.csv.zst.age`;
  for (const key of [index, toObjectKey({ folder, name: sealed })]) {
    expect(key.length).toBeLessThan(1_024);
  }
});

test("a file beside an artifact is in its folder", () => {
  const artifact = { name: "dump.sql", objectKey: `${SHORT}/dump.sql` };
  expect(toKeyBeside(artifact, { name: "x/dump.sql.age" })).toBe(`${SHORT}/x/dump.sql.age`);
  expect(() => toKeyBeside({ ...artifact, name: "other" }, { name: "x" })).toThrow("its name");
});

test("a folder that a former version of the jobs object does not know makes no key", () => {
  expect(() => toManifestKey({ folder: "exports/main" })).toThrow("ends with a slash");
});
