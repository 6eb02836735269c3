import fc from "fast-check";
import { expect, test } from "vitest";

import { toObjectUrl } from "../storage/s3/s3-url.ts";
import { type NamedJob, toDownloadName, toReadableFolder } from "./readable-key.ts";

const JOB = {
  jobId: "0b1f2c3d-8a5e-4d3c-9b1a-000000000000",
  source: "main",
  object: null,
  createdAtMs: Date.UTC(2026, 10, 28, 3, 17, 0, 999),
};

test("a folder shows source, object, day, time and job", () => {
  expect(toReadableFolder(JOB)).toBe("main/2026/11/28/20261128T031700Z-0b1f2c3d/");
  expect(toReadableFolder({ ...JOB, object: { name: "acme" } })).toBe(
    "main/acme/2026/11/28/20261128T031700Z-0b1f2c3d/",
  );
  const id = "ab".repeat(32);
  expect(toReadableFolder({ ...JOB, object: { id } })).toContain(`main/id~${id}/2026/`);
});

test("a download's name shows source, object and time", () => {
  expect(toDownloadName(JOB, ".sql.gz")).toBe("main-20261128T031700Z.sql.gz");
  expect(toDownloadName({ ...JOB, object: { name: "acme/eu" } }, ".sql.zst")).toBe(
    "main-acme%2Feu-20261128T031700Z.sql.zst",
  );
});

test.each([
  ["..", "%2E."],
  [".hidden", "%2Ehidden"],
  ["a.b", "a.b"],
  ["a/b", "a%2Fb"],
  ["müller 🦀", "m%C3%BCller%20%F0%9F%A6%80"],
  ["100%", "100%25"],
  ["id~x", "id%7Ex"],
  ["\ud800", "%uD800"],
])("the object %j is written as %s", (name, escaped) => {
  const folder = toReadableFolder({ ...JOB, object: { name } });
  expect(folder.split("/")[1]).toBe(escaped);
});

/** Texts that look like what escaping makes, besides any others. */
const hardName = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 1_000 }),
  fc
    .array(
      fc.constantFrom("a", "A", ".", "..", "/", "%", "%2F", "~", "id~", "-", "2026", "\ud800", "é"),
      { minLength: 1, maxLength: 60 },
    )
    .map((pieces) => pieces.join("")),
  fc.string({ unit: fc.constantFrom("a", "/", "é"), minLength: 70, maxLength: 130 }),
  fc.nat({ max: 20 }).map((seed) => `${"x".repeat(900)}${seed}`),
  fc.string({
    unit: fc.constantFrom(...Array.from("0123456789abcdef")),
    minLength: 64,
    maxLength: 64,
  }),
);
const id = fc.string({
  unit: fc.constantFrom(...Array.from("0123456789abcdef")),
  minLength: 64,
  maxLength: 64,
});
const source = fc.stringMatching(/^[\w.-]{1,100}$/);
const object = fc.oneof(
  fc.constant(null),
  hardName.map((name) => ({ name })),
  id.map((id) => ({ id })),
);
const job: fc.Arbitrary<NamedJob> = fc.record({
  jobId: fc.uuid(),
  source,
  object,
  createdAtMs: fc.integer({ min: 0, max: Date.UTC(2200, 0) }),
});

test("two databases never share a folder, and none is within another's job", () => {
  fc.assert(
    fc.property(job, source, object, (first, otherSource, otherObject) => {
      const second = { ...first, source: otherSource, object: otherObject };
      const same =
        first.source === otherSource &&
        JSON.stringify(first.object) === JSON.stringify(otherObject);
      const [one, two] = [toReadableFolder(first), toReadableFolder(second)];
      expect(one === two).toBe(same);
      if (!same) expect(one.startsWith(two) || two.startsWith(one)).toBe(false);
    }),
    { numRuns: 3_000 },
  );
});

test("an object that is named like an id has another folder than that id", () => {
  fc.assert(
    fc.property(id, (digits) => {
      const [named, byId] = [{ name: digits }, { id: digits }];
      expect(toReadableFolder({ ...JOB, object: named })).not.toBe(
        toReadableFolder({ ...JOB, object: byId }),
      );
    }),
  );
});

test("names that differ only after a thousand characters have other folders", () => {
  fc.assert(
    fc.property(hardName, hardName, (one, two) => {
      const folders = [`${"é".repeat(500)}${one}`, `${"é".repeat(500)}${two}`].map((name) =>
        toReadableFolder({ ...JOB, object: { name } }),
      );
      expect(folders[0] === folders[1]).toBe(one === two);
    }),
  );
});

test("every folder is short ASCII that S3 accepts, and every download's name is a file name", () => {
  const location = { endpoint: "https://s3.example.com", bucket: "b", pathStyle: true };
  fc.assert(
    fc.property(job, (each) => {
      const folder = toReadableFolder(each);
      expect(folder).toMatch(/^[\w%.~/-]+\/$/);
      expect(folder.length).toBeLessThanOrEqual(300);
      const url = toObjectUrl(location, `${folder}manifest.json`);
      expect(decodeURIComponent(url.pathname)).toBe(`/b/${folder}manifest.json`);
      const name = toDownloadName(each, ".sql.gz");
      expect(name).toMatch(/^[\w%][\w%.~-]*\.sql\.gz$|^-[\w%.~-]*\.sql\.gz$/);
      expect(name.length).toBeLessThanOrEqual(255);
    }),
  );
});
