import { ExportError } from "../api/errors.ts";
import type { SourceConfig, SourceObject } from "../api/source-config.ts";
import { getNamespace } from "./durable-object/durable-object-kind.ts";
import type { DatabaseStub } from "./durable-object/durable-object-source.ts";
import { type DatabaseChoice, type FoundDatabase, refusedChoice } from "./source-kind.ts";
import { getSourceKind } from "./source-kinds.ts";
import type { Source } from "./source.ts";
import type { QueryMethod } from "./with-export/with-export.ts";

/**
 * Returns the object that a request to `source` selects; null for a database without objects.
 * Errors: `invalid-request` and `source-not-found`, as the source's kind documents.
 */
export function sourceObjectOf(config: SourceConfig, request: DatabaseChoice): SourceObject {
  if (request.name !== undefined && request.id !== undefined) {
    throw refusedChoice("name: send `name` or `id`, not both");
  }
  return getSourceKind(config).chooseObject(config, request);
}

/**
 * Returns the database that `config` and `object` name, without any call to it. Errors:
 * `configuration-invalid` if the binding is missing or of another kind, `invalid-request` for an id
 * that belongs to no object of the class.
 */
export function findDatabase(
  env: object,
  config: SourceConfig,
  object: SourceObject,
): FoundDatabase {
  return getSourceKind(config).find(env, config, object);
}

/** Opens the database that `findDatabase` finds. Errors: the same. */
export function openSource(env: object, config: SourceConfig, object: SourceObject): Source {
  return findDatabase(env, config, object).open();
}

/** Returns why a source's binding does not fit its configuration; null if it does. */
export function findBindingProblem(env: object, config: SourceConfig): string | null {
  try {
    getSourceKind(config).requireBinding(env, config.binding);
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
 * The methods that `POST /query` may call. Only the embedded database has the first method, and
 * only this package's classes have the second.
 */
export interface QueryStub extends DatabaseStub {
  queryEmbedded: QueryCall;
  queryAllOrNothing: QueryCall;
}

/** Returns the object that `POST /query` calls. Errors: as `findDatabase`. */
export function getDatabaseStub(env: object, binding: string, name: string): QueryStub {
  return getNamespace(env, binding).getByName(name) as unknown as QueryStub;
}
