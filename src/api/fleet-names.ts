import * as v from "valibot";

import { ObjectNameSchema } from "./source-config.ts";

/** The most objects that one fleet backs up. */
export const FLEET_MEMBERS_MAX = 100_000;

/**
 * Which objects of a class a fleet backs up:
 *
 * - a list of names;
 * - `query`: a SELECT of one column of names, in a configured source;
 * - `object`: an object of the bucket with one name per line;
 * - `namespace`: all objects of a namespace that store data, by their ids, from Cloudflare's API.
 */
export const FleetNamesSchema = v.union([
  v.pipe(v.array(ObjectNameSchema), v.minLength(1), v.maxLength(10_000)),
  v.strictObject({
    query: v.pipe(v.string(), v.minLength(1), v.maxLength(10_000)),
    source: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
  }),
  v.strictObject({ object: v.pipe(v.string(), v.minLength(1), v.maxLength(1_024)) }),
  v.strictObject({
    namespace: v.strictObject({
      accountId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "expected 32 hex digits")),
      namespaceId: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "expected 32 hex digits")),
    }),
  }),
]);

export type FleetNames = v.InferOutput<typeof FleetNamesSchema>;
