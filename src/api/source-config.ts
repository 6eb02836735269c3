import * as v from "valibot";

import { ExportError } from "./errors.ts";

/** A binding's name, as `wrangler.jsonc` may have it. */
const Binding = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z_$][\w$]{0,99}$/, "expected the name of a binding"),
);

/** A Durable Object's name, as `getByName()` takes it. */
export const ObjectNameSchema = v.pipe(v.string(), v.minLength(1), v.maxLength(1_000));

/** A Durable Object's id, as its `toString()` gives it. */
export const ObjectIdSchema = v.pipe(
  v.string(),
  v.regex(/^[0-9a-f]{64}$/i, "expected the 64 hex digits of a Durable Object's id"),
  v.toLowerCase(),
);

/**
 * A class of Durable Objects: the one object of `name` or `id`, and those that a request may name
 * instead. With `names` alone every request has to name its object.
 */
const DurableObjectSourceSchema = v.pipe(
  v.strictObject({
    type: v.literal("durable-object"),
    binding: Binding,
    name: v.optional(ObjectNameSchema),
    id: v.optional(ObjectIdSchema),
    names: v.optional(
      v.union([v.literal("any"), v.pipe(v.array(ObjectNameSchema), v.maxLength(10_000))]),
    ),
  }),
  v.check(
    ({ name, id, names }) => name !== undefined || id !== undefined || names !== undefined,
    "expected `name` or `id` of an object, or `names` of those that a request may ask for",
  ),
  v.check(
    ({ name, id }) => name === undefined || id === undefined,
    "expected `name` or `id`, not both",
  ),
);

const D1SourceSchema = v.strictObject({ type: v.literal("d1"), binding: Binding });

const SourceConfigSchema = v.variant("type", [DurableObjectSourceSchema, D1SourceSchema]);

/** `EXPORT_SOURCES`: the databases that a deployment may export, by the names requests use. */
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

/** Which object of a class is the database; a D1 database has none. */
export type SourceObject = { name: string } | { id: string } | null;

/**
 * The object that a request of `source` means: the one it names, where the source allows that, else
 * the source's own. Errors: `invalid-request` where it has to name one or may not;
 * `source-not-found` for a name that is not among the source's `names`.
 */
export function sourceObjectOf(
  config: SourceConfig,
  request: { source: string; name?: string | undefined; id?: string | undefined },
): SourceObject {
  const source = `source ${JSON.stringify(request.source)}`;
  const { name, id } = request;
  if (name !== undefined && id !== undefined) throw refused("name: send `name` or `id`, not both");
  if (config.type === "d1") {
    if (name === undefined && id === undefined) return null;
    throw refused(`${name === undefined ? "id" : "name"}: ${source} is a D1 database, one alone`);
  }
  if (id !== undefined) {
    if (config.names === "any" || config.id === id) return { id };
    throw refused(`id: ${source} takes no ids: EXPORT_SOURCES allows them with \`"names": "any"\``);
  }
  if (name !== undefined) {
    const { names = [] } = config;
    if (names === "any" || names.includes(name) || config.name === name) return { name };
    throw new ExportError(
      "source-not-found",
      `EXPORT_SOURCES allows ${source} no object of the name ${JSON.stringify(name)}`,
    );
  }
  if (config.name !== undefined) return { name: config.name };
  if (config.id !== undefined) return { id: config.id };
  throw refused(`name: ${source} is a class of many objects: say which by \`name\` or \`id\``);
}

/** The object that a request names; null where it names none. */
export function namedObjectOf(request: {
  name?: string | undefined;
  id?: string | undefined;
}): SourceObject {
  if (request.name !== undefined) return { name: request.name };
  return request.id === undefined ? null : { id: request.id };
}

function refused(message: string): ExportError {
  return new ExportError("invalid-request", `the request: ${message}`, {
    details: { issues: [{ path: message.split(":")[0], message: message.replace(/^\w+: /, "") }] },
  });
}

/** The source `main` of a deployment that names none: StarbaseDB's object. */
export const DEFAULT_SOURCES: Record<string, SourceConfig> = {
  main: {
    type: "durable-object",
    binding: "DATABASE_DURABLE_OBJECT",
    name: "sql-durable-object",
  },
};

/** What an export of a kind of source promises. Sizes in bytes, times in seconds. */
export interface SourcePromises {
  /** `default` is what a request without `consistency` gets. */
  consistency: { default: Consistency; available: Consistency[] };
  limits: {
    statementBytesMax: number;
    /** Of a value and of a row; longer ones cannot be in such a database. */
    rowBytesMax: number;
    databaseBytesMax: number;
    /** How long one query may take; null where the platform names no limit. */
    querySecondsMax: number | null;
  };
}

/** `snapshot` is one instant; `live` is each page as it is when it is read. */
type Consistency = "snapshot" | "live";

const GB = 1_000_000_000;

/**
 * https://developers.cloudflare.com/durable-objects/platform/limits/ and
 * https://developers.cloudflare.com/d1/platform/limits/, November 2026.
 */
export const SOURCE_PROMISES: Record<SourceConfig["type"], SourcePromises> = {
  "durable-object": {
    consistency: { default: "snapshot", available: ["snapshot", "live"] },
    limits: {
      statementBytesMax: 100_000,
      rowBytesMax: 2_000_000,
      databaseBytesMax: 10 * GB,
      querySecondsMax: null,
    },
  },
  d1: {
    // While a snapshot is open, `meta.changes` of a customer's own writes counts its triggers' too.
    consistency: { default: "live", available: ["live", "snapshot"] },
    limits: {
      statementBytesMax: 100_000,
      rowBytesMax: 2_000_000,
      databaseBytesMax: 10 * GB,
      querySecondsMax: 30,
    },
  },
};
