import { ExportError } from "../model/error.ts";
import type { SourceConfig, SourceObject } from "../model/source-config.ts";
import { d1Source } from "./d1-source.ts";
import { type DatabaseStub, durableObjectSource } from "./durable-object-source.ts";
import type { Source } from "./source.ts";

/**
 * The database that `config` and `object` name, by the Worker's own bindings. Nothing is asked of
 * it yet. Errors: `configuration-invalid` where the binding is missing or of another kind,
 * `invalid-request` for an id that is no object's of the class.
 */
export function openSource(env: object, config: SourceConfig, object: SourceObject): Source {
  if (config.type === "d1") return d1Source(openDatabase(env, config.binding), config.binding);
  if (object === null) {
    throw new ExportError("configuration-invalid", `binding ${config.binding}: no object is named`);
  }
  return durableObjectSource(databaseStub(env, config.binding, object), config.binding);
}

/** Finds an object's stub, anew at every call. Errors: as `openSource`. */
export function databaseStub(
  env: object,
  binding: string,
  object: { name: string } | { id: string },
): () => DatabaseStub {
  const namespace = bindingOf(env, binding);
  if (!isNamespace(namespace)) throw wrongKind(binding, namespace, "a Durable Object namespace");
  if ("name" in object) {
    return () => namespace.getByName(object.name) as unknown as DatabaseStub;
  }
  const id = objectId(namespace, binding, object.id);
  return () => namespace.get(id) as unknown as DatabaseStub;
}

function objectId(namespace: DurableObjectNamespace, binding: string, id: string): DurableObjectId {
  try {
    return namespace.idFromString(id);
  } catch (cause) {
    throw new ExportError("invalid-request", `id: no object of binding ${binding} has this id`, {
      cause,
    });
  }
}

function openDatabase(env: object, binding: string): D1Database {
  const database = bindingOf(env, binding);
  if (!isDatabase(database)) throw wrongKind(binding, database, "a D1 database");
  return database;
}

function bindingOf(env: object, binding: string): unknown {
  return Object.hasOwn(env, binding) ? (env as Record<string, unknown>)[binding] : undefined;
}

function isNamespace(value: unknown): value is DurableObjectNamespace {
  return typeof value === "object" && value !== null && "getByName" in value;
}

function isDatabase(value: unknown): value is D1Database {
  return typeof value === "object" && value !== null && "prepare" in value && "batch" in value;
}

function wrongKind(binding: string, value: unknown, expected: string): ExportError {
  const problem =
    value === undefined
      ? `binding ${binding} is missing: add it to wrangler.jsonc as ${expected}, or correct EXPORT_SOURCES`
      : `binding ${binding} is not ${expected}: correct it in wrangler.jsonc or in EXPORT_SOURCES`;
  return new ExportError("configuration-invalid", problem);
}
