import * as v from "valibot";

const AccountHex = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "expected 32 hex digits"));

/** The forms of a registry, as errors list them. */
export const REGISTRY_FORMS = "a registry of names: `query` and `source`, `object`, or `namespace`";

/**
 * A registry of the objects of a class:
 *
 * - `query`: a SELECT of one column of names, in a configured source;
 * - `object`: an object of the bucket with one name per line;
 * - `namespace`: all objects of a namespace that store data, by their ids, from Cloudflare's API.
 */
export const NameRegistrySchema = v.union(
  [
    v.strictObject({
      query: v.pipe(v.string(), v.minLength(1), v.maxLength(10_000)),
      source: v.pipe(v.string(), v.minLength(1), v.maxLength(100)),
    }),
    v.strictObject({ object: v.pipe(v.string(), v.minLength(1), v.maxLength(1_024)) }),
    v.strictObject({
      namespace: v.strictObject({ accountId: AccountHex, namespaceId: AccountHex }),
    }),
  ],
  `expected ${REGISTRY_FORMS}`,
);
