import { ExportError } from "../api/errors.ts";
import type { SourceConfig, SourceObject } from "../api/source-config.ts";
import { d1Source } from "./d1-source.ts";
import { type DatabaseStub, durableObjectSource } from "./durable-object-source.ts";
import type { Source } from "./source.ts";
import type { QueryMethod } from "./with-export/with-export.ts";

/** A database behind a binding of the Worker. */
interface FoundDatabase {
  /** The same for the same database, whichever source or name it was found by. */
  key: string;
  open: () => Source;
}

/**
 * The database that `config` and `object` name. Nothing is asked of it yet. Errors:
 * `configuration-invalid` where the binding is missing or of another kind, `invalid-request` for an
 * id that is no object's of the class.
 */
export function findDatabase(
  env: object,
  config: SourceConfig,
  object: SourceObject,
): FoundDatabase {
  const { binding } = config;
  if (config.type === "d1") {
    const database = d1Binding(env, binding);
    return { key: `d1 ${binding}`, open: () => d1Source(database, binding) };
  }
  if (object === null) throw new ExportError("invalid-request", "name: no object is named");
  const namespace = namespaceBinding(env, binding);
  const id = objectId(namespace, binding, object);
  const stub = (): DatabaseStub => namespace.get(id) as unknown as DatabaseStub;
  return {
    key: `durable-object ${binding} ${id.toString()}`,
    open: () => durableObjectSource(stub, binding),
  };
}

/** Opens what `findDatabase` finds. Errors: the same. */
export function openSource(env: object, config: SourceConfig, object: SourceObject): Source {
  return findDatabase(env, config, object).open();
}

/** Why the binding of a source cannot be what its configuration says; null where it can. */
export function bindingProblem(env: object, { type, binding }: SourceConfig): string | null {
  try {
    if (type === "d1") d1Binding(env, binding);
    else namespaceBinding(env, binding);
    return null;
  } catch (error) {
    if (error instanceof ExportError) return error.message;
    throw error;
  }
}

type QueryCall = (
  ...given: Parameters<QueryMethod["queryAllOrNothing"]>
) => Promise<ReturnType<QueryMethod["queryAllOrNothing"]>>;

/**
 * What `POST /query` may call. Only the embedded database has the first method, and only this
 * package's classes have the second.
 */
export interface QueryStub extends DatabaseStub {
  queryEmbedded: QueryCall;
  queryAllOrNothing: QueryCall;
}

/** The object that `POST /query` asks. Errors: as `findDatabase`. */
export function databaseStub(env: object, binding: string, name: string): QueryStub {
  return namespaceBinding(env, binding).getByName(name) as unknown as QueryStub;
}

function objectId(
  namespace: DurableObjectNamespace,
  binding: string,
  object: { name: string } | { id: string },
): DurableObjectId {
  if ("name" in object) return namespace.idFromName(object.name);
  try {
    return namespace.idFromString(object.id);
  } catch (cause) {
    throw new ExportError("invalid-request", `id: no object of binding ${binding} has this id`, {
      cause,
    });
  }
}

function namespaceBinding(env: object, binding: string): DurableObjectNamespace {
  const value = bindingOf(env, binding);
  if (isNamespace(value)) return value;
  throw wrongKind(binding, value, "a Durable Object namespace");
}

function d1Binding(env: object, binding: string): D1Database {
  const value = bindingOf(env, binding);
  if (isDatabase(value)) return value;
  throw wrongKind(binding, value, "a D1 database");
}

function bindingOf(env: object, binding: string): unknown {
  return Object.hasOwn(env, binding) ? (env as Record<string, unknown>)[binding] : undefined;
}

function isNamespace(value: unknown): value is DurableObjectNamespace {
  return typeof value === "object" && value !== null && "idFromName" in value;
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
