import * as v from "valibot";

import { NameRegistrySchema, REGISTRY_FORMS } from "./name-registry.ts";

/** A binding's name, as `wrangler.jsonc` allows it. */
const Binding = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_$][\w$]{0,99}$/, "expected the name of a binding"),
);

/** A Durable Object's name, as `getByName()` accepts it. */
export const ObjectNameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(1_000));

/** A Durable Object's id, as its `toString()` returns it. */
export const ObjectIdSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/i, "expected the 64 hex digits of a Durable Object's id"),
  v.toLowerCase(),
);

/** True if restores may write into the source. A restore deletes data, so the default is false. */
const Writable = v.optional(v.boolean());

/**
 * A class of Durable Objects: the default object in `name` or `id`, and the objects that a request
 * may name instead. If only `names` is set, every request must name its object. A registry of names
 * says which objects a fleet backs up; requests may name any object.
 */
const DurableObjectSourceSchema = v.pipe(
  v.strictObject({
    type: v.literal("durable-object"),
    binding: Binding,
    name: v.optional(ObjectNameSchema),
    id: v.optional(ObjectIdSchema),
    names: v.optional(
      v.union(
        [
          v.literal("any"),
          v.pipe(v.array(ObjectNameSchema), v.maxLength(10_000)),
          NameRegistrySchema,
        ],
        `expected "any" or a list of names, or ${REGISTRY_FORMS}`,
      ),
    ),
    writable: Writable,
  }),
  v.check(
    ({ name, id, names }) => name !== undefined || id !== undefined || names !== undefined,
    "expected `name` or `id` of an object, or `names` of the objects that requests may name",
  ),
  v.check(
    ({ name, id }) => name === undefined || id === undefined,
    "expected `name` or `id`, not both",
  ),
);

const D1SourceSchema = v.strictObject({
  type: v.literal("d1"),
  binding: Binding,
  writable: Writable,
});

const SourceConfigSchema = v.variant("type", [DurableObjectSourceSchema, D1SourceSchema]);

/**
 * `EXPORT_SOURCES`: the databases that a deployment may export, keyed by the names that requests
 * use.
 */
export const SourcesSchema = v.pipe(
  v.record(
    v.pipe(
      v.string(),
      v.regex(/^[\w.-]{1,100}$/, "expected a name of letters, digits, `_`, `-` and `.`"),
    ),
    SourceConfigSchema,
  ),
  v.check((sources) => Object.keys(sources).length > 0, "expected at least one source"),
);

export type SourceConfig = v.InferOutput<typeof SourceConfigSchema>;

/** The kinds of databases, by the `type` of a source. */
export const SourceTypeSchema = v.picklist(
  SourceConfigSchema.options.map(({ entries }) => entries.type.literal),
);

/** Which object of a class is the database; null for a D1 database. */
export type SourceObject = { name: string } | { id: string } | null;

/** Returns the object that a request names; null if it names none. */
export function findNamedObject(request: {
  name?: string | undefined;
  id?: string | undefined;
}): SourceObject {
  if (request.name !== undefined) return { name: request.name };
  return request.id === undefined ? null : { id: request.id };
}

/**
 * The sources of a deployment that configures none. `main` is StarbaseDB's object. `copy` is another object of its
 * class: a backup can be restored there without touching `main`.
 */
export const DEFAULT_SOURCES: Record<string, SourceConfig> = {
  main: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    name: "sql-durable-object",
  },
  copy: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    name: "copy",
    writable: true,
  },
};
