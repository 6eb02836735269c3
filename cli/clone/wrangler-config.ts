import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

import * as v from "valibot";

import { DEFAULT_SOURCES, SourcesSchema } from "../../src/api/source-config.ts";
import { usageError } from "../cli-error.ts";

const Text = v.optional(v.string());

/** The part of wrangler's configuration that decides where the local runtime keeps a database. */
const ConfigSchema = v.looseObject({
  name: Text,
  d1_databases: v.optional(
    v.array(
      v.looseObject({
        binding: v.string(),
        database_id: Text,
        preview_database_id: Text,
        remote: v.optional(v.boolean()),
      }),
    ),
    [],
  ),
  durable_objects: v.optional(
    v.looseObject({
      bindings: v.optional(
        v.array(v.looseObject({ name: v.string(), class_name: v.string(), script_name: Text })),
        [],
      ),
    }),
    {},
  ),
  vars: v.optional(v.record(v.string(), v.unknown()), {}),
});

/** A wrangler configuration, and where it is. */
export type WranglerConfig = v.InferOutput<typeof ConfigSchema> & { path: string };

/** The names that wrangler looks for, in its order. */
const NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"];

/** Returns the path of the wrangler configuration in a folder; undefined if there is none. */
export function findConfigIn(folder: string): string | undefined {
  return NAMES.map((name) => join(folder, name)).find((path) => existsSync(path));
}

/** Returns the path of the nearest wrangler configuration in a folder or its parents; undefined if there is none. */
export function findConfigAbove(folder: string): string | undefined {
  const found = findConfigIn(folder);
  const parent = dirname(folder);
  return found !== undefined || parent === folder ? found : findConfigAbove(parent);
}

/**
 * Reads a configuration with the wrangler that is installed in its project, as `wrangler dev --env` would. Throws a
 * usage error if none is installed, or if wrangler refuses the file.
 */
export function readWranglerConfig(path: string, env: string | undefined): WranglerConfig {
  const { unstable_readConfig: read } = loadWrangler(path);
  let value: unknown;
  try {
    value = read({ config: path, env }, { hideWarnings: true });
  } catch (error) {
    const message = error instanceof Error ? error.message.trim() : String(error);
    throw usageError(`wrangler cannot read ${path}: ${message}`);
  }
  const parsed = v.safeParse(ConfigSchema, value);
  if (parsed.success) return { ...parsed.output, path };
  const [issue] = parsed.issues;
  throw usageError(`${path}: ${v.getDotPath(issue) ?? ""}: ${issue.message}`);
}

/** The binding of a source, and the object that it means if a request names none. */
export interface ConfiguredSource {
  binding: string;
  name?: string | undefined;
  id?: string | undefined;
}

/**
 * Returns the source of this name in a configuration's `EXPORT_SOURCES`, or the default one if the variable is
 * missing; undefined if the configuration does not name it.
 */
export function findConfiguredSource(
  { vars }: WranglerConfig,
  name: string,
): ConfiguredSource | undefined {
  const given = vars["EXPORT_SOURCES"];
  const parsed = v.safeParse(SourcesSchema, given === undefined ? DEFAULT_SOURCES : toJson(given));
  return parsed.success && Object.hasOwn(parsed.output, name) ? parsed.output[name] : undefined;
}

function toJson(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

interface Wrangler {
  unstable_readConfig: (
    args: { config: string; env: string | undefined },
    options: { hideWarnings: boolean },
  ) => unknown;
}

/** Loads the wrangler of the project, or else that of the working directory. */
function loadWrangler(path: string): Wrangler {
  for (const from of [path, join(process.cwd(), "package.json")]) {
    const load = createRequire(from);
    let found: string;
    try {
      found = load.resolve("wrangler");
    } catch {
      continue;
    }
    return load(found) as Wrangler;
  }
  throw usageError(
    `wrangler is not installed in ${dirname(path)}`,
    "Run `npm install --save-dev wrangler` there, because wrangler reads its own configuration.",
  );
}
