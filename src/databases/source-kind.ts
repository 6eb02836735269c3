import { ExportError } from "../api/errors.ts";
import type { FleetNames } from "../api/fleet-names.ts";
import type { SourceConfig, SourceObject } from "../api/source-config.ts";
import type { SourceList } from "../api/source-list.ts";
import type { Source } from "./source.ts";

/** A database behind a binding of the Worker. */
export interface FoundDatabase {
  /** The same for the same database, regardless of the source or name that found it. */
  key: string;
  open: () => Source;
}

/** The fields of a request that choose a database. */
export interface DatabaseChoice {
  source: string;
  name?: string | undefined;
  id?: string | undefined;
}

/** What an export of a kind of database promises, as `GET /export/sources` reports it. */
export type SourcePromises = Pick<SourceList["sources"][number], "consistency" | "limits">;

/**
 * A kind of database that `EXPORT_SOURCES` may name by its `type`: how it is configured, found and
 * opened. `SOURCE_KINDS` lists all of them.
 */
export interface SourceKind<Config extends SourceConfig> {
  readonly promises: SourcePromises;
  /** Returns which objects a request may name: none (`one` database), those listed, or any. */
  objects(config: Config): SourceList["sources"][number]["objects"];
  /** Returns the objects that the source's configuration lists, or their registry; undefined if it has neither. */
  listNames(config: Config): FleetNames | undefined;
  /**
   * Returns the object that a request selects: the one that it names if the source allows that, or
   * else the source's own; null if the kind has no objects. Errors: `invalid-request` if the
   * request must name an object or must not; `source-not-found` for a name that is not among the
   * source's `names`.
   */
  chooseObject(config: Config, request: DatabaseChoice): SourceObject;
  /** Requires that a binding exists and is of this kind. Errors: `configuration-invalid`. */
  requireBinding(env: object, binding: string): void;
  /** Finds the database without any call to it. Errors: as `findDatabase`. */
  find(env: object, config: Config, object: SourceObject): FoundDatabase;
}

/** Returns a source as error messages name it. */
export function describeSource({ source }: DatabaseChoice): string {
  return `source ${JSON.stringify(source)}`;
}

/** Returns the refusal of a request's field: `message` starts with the field's name and a colon. */
export function refusedChoice(message: string): ExportError {
  return new ExportError("invalid-request", `the request: ${message}`, {
    details: { issues: [{ path: message.split(":")[0], message: message.replace(/^\w+: /, "") }] },
  });
}
