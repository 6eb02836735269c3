import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

import { usageError } from "../cli-error.ts";
import { JOBS, SCRATCH } from "../init/needed-bindings.ts";
import { isLocalId, localIdFromName } from "./local-object-id.ts";
import {
  type ConfiguredSource,
  findConfigAbove,
  findConfigIn,
  findConfiguredSource,
  readWranglerConfig,
  type WranglerConfig,
} from "./wrangler-config.ts";

/** What the command line says about the database to fill. */
export interface LocalChoice {
  /** The folder of a project, or the one that `wrangler dev --persist-to` names. */
  folder: string;
  /** The source, as the Worker lists it. */
  source: { name: string; type: string | undefined };
  binding?: string | undefined;
  /** The object that the export names. */
  objectName?: string | undefined;
  objectId?: string | undefined;
  /** The local object's name, if it is another one. */
  toObject?: string | undefined;
  wranglerConfig?: string | undefined;
  env?: string | undefined;
}

/** A database of the local runtime. */
export interface LocalDatabase {
  binding: string;
  kind: "d1" | "durable-object";
  /** The object's name or id; null for D1. */
  object: string | null;
  /** The configuration that names the binding. */
  config: string;
  /** The database's file, which may not exist yet. */
  path: string;
}

/** The folder in which the local runtime keeps all databases, in any state folder (wrangler 3 and 4). */
const VERSION_FOLDER = "v3";

/** The local runtime keeps D1 databases in objects of a class of its own. */
const D1_KEY = "miniflare-D1DatabaseObject";

/**
 * Returns the file that `wrangler dev` opens for a binding. Throws a usage error if the folder is neither a project
 * nor local state, if no configuration names the binding, or if the object is unknown.
 */
export function findLocalDatabase(choice: LocalChoice): LocalDatabase {
  const { configPath, stateFolder } = findState(choice);
  const config = readWranglerConfig(configPath, choice.env);
  const chosen = chooseBinding(config, choice);
  const { binding } = chosen;
  const found = findD1(config, binding, choice) ?? findObject(config, chosen, choice);
  if (found === undefined) {
    const names = listBindings(config).map(({ name }) => name);
    throw usageError(
      `${configPath} has no binding ${binding} of a database`,
      names.length === 0
        ? "Pass the folder of the Worker that uses the database."
        : `Choose one with --binding: ${names.join(", ")}.`,
    );
  }
  const { type } = choice.source;
  if (type !== undefined && type !== found.kind) {
    throw usageError(
      `the source ${choice.source.name} is of type ${type}, but the binding ${binding} is of type ${found.kind}`,
      "Choose another binding with --binding.",
    );
  }
  const { folder, id, ...database } = found;
  const path = join(stateFolder, VERSION_FOLDER, folder, `${id}.sqlite`);
  return { ...database, binding, config: configPath, path };
}

function findState({ folder: given, wranglerConfig }: LocalChoice): {
  configPath: string;
  stateFolder: string;
} {
  const folder = resolve(given);
  const isProject = findConfigIn(folder) !== undefined;
  if (!isProject && !mayBeState(folder)) {
    throw usageError(
      `${given} contains neither a wrangler configuration nor local state`,
      "Pass the folder of a project, or the folder that `wrangler dev --persist-to` names.",
    );
  }
  const configPath =
    wranglerConfig === undefined ? findConfigAbove(folder) : resolve(wranglerConfig);
  if (configPath === undefined || !existsSync(configPath)) {
    throw usageError(
      configPath === undefined
        ? `neither ${given} nor a folder above it contains a wrangler configuration`
        : `${configPath} does not exist`,
      "Name the configuration of `wrangler dev` with --wrangler-config.",
    );
  }
  return { configPath, stateFolder: isProject ? join(folder, ".wrangler", "state") : folder };
}

/** A new or empty folder may become local state; another one must already be. */
function mayBeState(folder: string): boolean {
  const found = statSync(folder, { throwIfNoEntry: false });
  if (found === undefined) return existsSync(dirname(folder)) || isDefaultState(folder);
  if (!found.isDirectory()) return false;
  const names = readdirSync(folder);
  return names.length === 0 || names.includes(VERSION_FOLDER);
}

function isDefaultState(folder: string): boolean {
  return basename(folder) === "state" && basename(dirname(folder)) === ".wrangler";
}

/** Returns the binding, and the object that the configuration names for the source. */
function chooseBinding(config: WranglerConfig, { source, binding }: LocalChoice): ConfiguredSource {
  const all = listBindings(config);
  const configured = findConfiguredSource(config, source.name);
  const isBound = all.some(({ name }) => name === configured?.binding);
  if (configured !== undefined && isBound && [undefined, configured.binding].includes(binding)) {
    return configured;
  }
  if (binding !== undefined) return { binding };
  const fitting = all.filter(({ kind }) => kind === source.type);
  const [only, ...others] = fitting;
  if (only !== undefined && others.length === 0) return { binding: only.name };
  if (source.type !== undefined && only === undefined && all.length > 0) {
    throw usageError(
      `the source ${source.name} is of type ${source.type}, and ${config.path} has no binding of that type`,
      "Pass the folder of the Worker that uses the database.",
    );
  }
  const names = (fitting.length === 0 ? all : fitting).map(({ name }) => name);
  throw usageError(
    `${config.path} does not say which binding is the source ${source.name}`,
    names.length === 0
      ? "It has no binding of a database. Pass the folder of the Worker that uses the database."
      : `Choose one with --binding: ${names.join(", ")}.`,
  );
}

/** The bindings of databases, without those that this project uses for itself. */
function listBindings(config: WranglerConfig): { name: string; kind: LocalDatabase["kind"] }[] {
  const own = new Set([JOBS.name, SCRATCH.name]);
  const databases = config.d1_databases.map(({ binding }) => ({ name: binding, kind: "d1" }));
  const objects = config.durable_objects.bindings
    .filter(({ name }) => !own.has(name))
    .map(({ name }) => ({ name, kind: "durable-object" }));
  return [...databases, ...objects] as ReturnType<typeof listBindings>;
}

/** The name that `wrangler dev` gives a Worker without one. */
const DEFAULT_NAME = "worker";

type Found = Pick<LocalDatabase, "kind" | "object"> & { folder: string; id: string };

function findD1(
  config: WranglerConfig,
  name: string,
  { toObject }: LocalChoice,
): Found | undefined {
  const known = config.d1_databases.find(({ binding }) => binding === name);
  if (known === undefined) return undefined;
  if (known.remote === true) {
    throw usageError(
      `${name} is a remote binding, so \`wrangler dev\` uses the deployed database`,
      `Remove "remote" from ${config.path} first.`,
    );
  }
  if (toObject !== undefined) {
    throw usageError(`${name} is a D1 database, which has no objects`, "Remove --to-object.");
  }
  const id = known.preview_database_id ?? known.database_id ?? name;
  return {
    kind: "d1",
    object: null,
    folder: join("d1", D1_KEY),
    id: localIdFromName(D1_KEY, id),
  };
}

function findObject(
  config: WranglerConfig,
  source: ConfiguredSource,
  choice: LocalChoice,
): Found | undefined {
  const { binding } = source;
  const known = config.durable_objects.bindings.find(({ name }) => name === binding);
  if (known === undefined) return undefined;
  const own = config.name ?? DEFAULT_NAME;
  const { class_name: className, script_name: script = own } = known;
  if (script !== own) {
    throw usageError(
      `${binding} is a class of another Worker, ${script}`,
      `Pass the folder of ${script}, whose \`wrangler dev\` keeps its objects.`,
    );
  }
  const uniqueKey = `${own}-${className}`;
  const isNamed = choice.objectName !== undefined || choice.objectId !== undefined;
  const object = isNamed ? { name: choice.objectName, id: choice.objectId } : source;
  const name = choice.toObject ?? object.name;
  const id = name === undefined ? object.id : localIdFromName(uniqueKey, name);
  if (id === undefined) {
    throw usageError(
      `${binding} is a class of many objects, and nothing names one`,
      "Name the local object with --to-object.",
    );
  }
  if (!isLocalId(uniqueKey, id)) {
    throw usageError(
      `the local runtime accepts no id of a deployed object: ${id}`,
      "Name the local object with --to-object.",
    );
  }
  const folder = join("do", uniqueKey);
  return { kind: "durable-object", object: name ?? id, folder, id: id.toLowerCase() };
}
