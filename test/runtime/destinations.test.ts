import { env } from "cloudflare:workers";
import { describe, expect, inject, test } from "vitest";

import { createApp } from "../../src/app.ts";
import { readSettings } from "../../src/config/settings.ts";
import { openDestination } from "../../src/storage/destinations/open-destination.ts";
import { artifactStoreContract } from "../contract/artifact-store.ts";

const { endpoint, region, bucket, ...keys } = inject("s3Bucket");
const S3 = { type: "s3", endpoint, region, bucket, pathStyle: true, credentials: "OFFSITE" };
const R2 = { type: "r2", binding: "ARCHIVE_BUCKET" };
const SECRETS = {
  OFFSITE_ACCESS_KEY_ID: keys.accessKeyId,
  OFFSITE_SECRET_ACCESS_KEY: `${keys.secretAccessKey}\n`,
  ARCHIVE_BUCKET: env.EXPORT_R2_BUCKET,
};

function bindingsOf(destinations: unknown, changes: object = {}): object {
  return { ...env, ...SECRETS, EXPORT_DESTINATIONS: destinations, ...changes };
}

/** What the probe reports of each destination, for a call to this machine or to another. */
async function probe(bindings: object, origin = "http://localhost:8787") {
  const headers = { authorization: "Bearer test-job-token-0123456789" };
  const path = "/export/destinations/probe";
  const call = { method: "POST", headers };
  const response = await createApp().request(`${origin}${path}`, call, bindings);
  expect(response.status).toBe(200);
  const { destinations } = await response.json<{
    destinations: { name: string; problem: string | null }[];
  }>();
  return destinations;
}

artifactStoreContract(
  "of an R2 destination with a prefix",
  () => {
    const bindings = bindingsOf({ archive: { ...R2, prefix: "copies/of/" } });
    return openDestination(bindings, readSettings(bindings), "archive", {
      localDevelopment: false,
    });
  },
  { folder: "contract/destination", jobsDatabaseBytes: async () => 0 },
);

describe("EXPORT_DESTINATIONS", () => {
  test("may be text or an object, and has defaults", () => {
    for (const given of [{ offsite: S3 }, JSON.stringify({ offsite: S3 })]) {
      expect(readSettings(bindingsOf(given)).destinations).toEqual({
        offsite: { ...S3, prefix: "", prune: false },
      });
    }
    expect(readSettings(bindingsOf(undefined)).destinations).toEqual({});
  });

  const { region: _region, ...unplaced } = S3;
  test.each([
    ["{", "EXPORT_DESTINATIONS: expected JSON"],
    [{ "a b": R2 }, "expected a name of letters, digits"],
    [{ a: { type: "ftp" } }, 'EXPORT_DESTINATIONS.a.type: expected "s3" or "r2"'],
    [{ a: { ...S3, key: "k" } }, "EXPORT_DESTINATIONS.a.key: unknown field"],
    [{ a: unplaced }, "EXPORT_DESTINATIONS.a.region: is missing"],
    [{ a: { ...S3, region: "eu central" } }, "a.region: expected a region, such as eu-central-1"],
    [{ a: { ...S3, endpoint: "s3.example.com" } }, "a.endpoint: expected the https URL"],
    [{ a: { ...S3, endpoint: "https://k:s@s3.example.com" } }, "a.endpoint: expected the https"],
    [{ a: { ...S3, endpoint: "https://s3.example.com/?a" } }, "a.endpoint: expected the https URL"],
    [{ a: { ...S3, bucket: "a/b" } }, "a.bucket: expected the name of a bucket"],
    [{ a: { ...S3, bucket: "my.copies", pathStyle: false } }, "expected `pathStyle: true`"],
    [{ a: { ...S3, pathStyle: false } }, "because no bucket name can precede an IP address"],
    [{ a: { ...S3, credentials: "offsite" } }, "a.credentials: expected the beginning of the"],
    [{ a: { ...S3, prefix: "/a" } }, "a.prefix: expected letters, digits"],
    [{ a: { ...S3, prefix: "a//b" } }, "a.prefix: expected letters, digits"],
    [{ a: { ...S3, prefix: "../" } }, "a.prefix: expected no `.` or `..` folder"],
    [{ a: { ...R2, binding: "EXPORT_R2_BUCKET" } }, "a.binding: expected another bucket"],
    [{ a: { ...R2, prune: "yes" } }, "a.prune: expected true or false"],
    [
      Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`a${at}`, R2])),
      "expected at most 10 destinations",
    ],
  ])("is refused if it is %j", (given, message) => {
    expect(() => readSettings(bindingsOf(given))).toThrow(message);
  });
});

describe("the probe of destinations", () => {
  test("finds nothing wrong with those that can be written, read and cleared", async () => {
    const found = await probe(bindingsOf({ offsite: S3, archive: { ...R2, prune: true } }));
    expect(found).toEqual([
      { name: "offsite", type: "s3", prune: false, problem: null },
      { name: "archive", type: "r2", prune: true, problem: null },
    ]);
    expect(await probe(bindingsOf(undefined))).toEqual([]);
    const { objects } = await env.EXPORT_R2_BUCKET.list({ prefix: "durable-export-probe" });
    expect(objects).toEqual([]);
  });

  test.each([
    [{ OFFSITE_ACCESS_KEY_ID: undefined }, "secret OFFSITE_ACCESS_KEY_ID is missing"],
    [{ OFFSITE_SECRET_ACCESS_KEY: " " }, "secret OFFSITE_SECRET_ACCESS_KEY is empty"],
    [{ OFFSITE_SECRET_ACCESS_KEY: "two words" }, "OFFSITE_SECRET_ACCESS_KEY contains a space"],
    [{ OFFSITE_SESSION_TOKEN: "" }, "secret OFFSITE_SESSION_TOKEN is empty"],
    [{ OFFSITE_SECRET_ACCESS_KEY: "another-secret" }, "status 40"],
  ])("reports keys that are wrong, as with %j, and shows none", async (changes, message) => {
    const [found] = await probe(bindingsOf({ offsite: S3 }, changes));
    expect(found?.problem).toContain(message);
    for (const secret of [keys.secretAccessKey, "two words", "another-secret"]) {
      expect(found?.problem).not.toContain(secret);
    }
  });

  test("reports a bucket that does not exist, and checks the other destinations", async () => {
    const found = await probe(bindingsOf({ gone: { ...S3, bucket: "gone" }, archive: R2 }));
    expect(found).toMatchObject([
      { problem: expect.stringContaining("its bucket does not exist") },
      { problem: null },
    ]);
  });

  test.each([
    [undefined, "binding ARCHIVE_BUCKET is missing"],
    ["text", "binding ARCHIVE_BUCKET is no R2 bucket"],
    [env.EXPORT_JOBS, "binding ARCHIVE_BUCKET is no R2 bucket"],
  ])("reports a binding that is no bucket", async (value, message) => {
    const [found] = await probe(bindingsOf({ archive: R2 }, { ARCHIVE_BUCKET: value }));
    expect(found?.problem).toBe(
      `EXPORT_DESTINATIONS: archive: ${message}${value === undefined ? ": add it to wrangler.jsonc" : ""}`,
    );
  });

  test("refuses an endpoint on this machine unless the Worker runs there", async () => {
    const [found] = await probe(bindingsOf({ offsite: S3 }), "https://export.example.com");
    expect(found?.problem).toBe(
      "EXPORT_DESTINATIONS: offsite: a destination is refused: its endpoint is not https",
    );
  });
});
