import { cloudflareTest } from "@cloudflare/vitest-plugin";
import { defineConfig } from "vitest/config";

import { destinationBindings } from "./test/support/destinations.ts";
import { TEST_SIGNING_KEY } from "./test/support/signing-keys.ts";
import { TEST_RECIPIENT } from "./test/support/age-keys.ts";

/** A shared machine may be slow: a wait ends when its condition holds, and fails only after this. */
const POLL = { poll: { timeout: 30_000 } };

export default defineConfig({
  test: {
    // Tests wait for Workflows and timeouts most of the time, so each core can run a file.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "units",
          include: [
            "src/**/*.test.ts",
            "cli/**/*.test.ts",
            "action/**/*.test.ts",
            "demo/**/*.test.ts",
            "bench/**/*.test.ts",
            "page/**/*.test.ts",
            "test/{contract,crash,docs,exactness,package,structure}/**/*.test.ts",
          ],
          environment: "node",
          testTimeout: 120_000,
          expect: POLL,
        },
      },
      {
        test: {
          name: "page",
          globalSetup: ["./test/support/page/page-worker.global-setup.ts"],
          include: ["test/page/**/*.test.ts"],
          environment: "node",
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: POLL,
        },
      },
      {
        plugins: [
          cloudflareTest(({ inject }) => ({
            wrangler: { configPath: "./wrangler.jsonc" },
            miniflare: {
              d1Databases: { SHOP_DB: "shop" },
              r2Buckets: { ARCHIVE_BUCKET: "archive" },
              ratelimits: {
                TEST_RATE_LIMITER: { namespace_id: "1", simple: { limit: 2, period: 60 } },
              },
              bindings: {
                ADMIN_AUTHORIZATION_TOKEN: "test-admin-token-0123456789 test-admin-token-next-one",
                EXPORT_JOB_TOKEN: "test-job-token-0123456789 test-job-token-next-one",
                EXPORT_READ_TOKEN: "test-read-token-0123456789\ttest-read-token-next-one",
                EXPORT_WEBHOOK_SECRET: "whsec_dGVzdC13ZWJob29rLXNlY3JldC1vZi1zaXh0eQ==",
                // Small, so that a few MB make several chunks and parts.
                EXPORT_CHUNK_BYTES: "1000000",
                EXPORT_PART_BYTES: "5242880",
                // Small databases are frozen by triggers too, like large ones.
                EXPORT_ONE_TURN_BYTES: "0",
                EXPORT_SOURCES: {
                  main: {
                    type: "durable-object",
                    binding: "DATABASE_DURABLE_OBJECT",
                    name: "sql-durable-object",
                  },
                  tenants: {
                    type: "durable-object",
                    binding: "DATABASE_DURABLE_OBJECT",
                    names: "any",
                  },
                  copies: {
                    type: "durable-object",
                    binding: "DATABASE_DURABLE_OBJECT",
                    names: "any",
                    writable: true,
                  },
                  shop: { type: "d1", binding: "SHOP_DB", writable: true },
                  gone: { type: "d1", binding: "GONE_DB" },
                  mistaken: { type: "d1", binding: "EXPORT_R2_BUCKET" },
                  methodless: { type: "durable-object", binding: "EXPORT_JOBS", name: "other" },
                },
                ...destinationBindings({
                  offsite: inject("s3Bucket"),
                  checking: inject("checkingS3Bucket"),
                }),
              },
            },
          })),
        ],
        test: {
          name: "runtime",
          globalSetup: [
            "./test/support/callback-receiver.global-setup.ts",
            "./test/support/s3-server.global-setup.ts",
          ],
          include: ["test/runtime/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: POLL,
        },
      },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./test/support/wrangler.without-bucket.jsonc" },
            miniflare: {
              r2Buckets: { ARCHIVE_BUCKET: "archive" },
              bindings: {
                ...destinationBindings({}),
                EXPORT_AGE_RECIPIENTS: TEST_RECIPIENT,
                EXPORT_SIGNING_KEY: TEST_SIGNING_KEY,
                ADMIN_AUTHORIZATION_TOKEN: "test-admin-token-0123456789",
                EXPORT_CHUNK_BYTES: "1000000",
                EXPORT_PART_BYTES: "5242880",
                // Room for two or three files of several parts.
                EXPORT_INLINE_BYTES_MAX: "33554432",
              },
            },
          }),
        ],
        test: {
          name: "runtime without a bucket",
          include: ["test/runtime-without-bucket/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          expect: POLL,
        },
      },
    ],
  },
});
