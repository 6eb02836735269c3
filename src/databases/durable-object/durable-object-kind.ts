import { ExportError } from "../../api/errors.ts";
import type { SourceConfig } from "../../api/source-config.ts";
import { type DatabaseStub, durableObjectSource } from "./durable-object-source.ts";
import { getBinding } from "../get-binding.ts";
import { describeSource, refusedChoice, type SourceKind } from "../source-kind.ts";

type ClassConfig = Extract<SourceConfig, { type: "durable-object" }>;

/** A registry outside the configuration may change at any time, so it limits no request. */
function allowsAny({ names }: ClassConfig): boolean {
  return names !== undefined && !Array.isArray(names);
}

/** A class of Durable Objects, in which each object has a database. */
export const DURABLE_OBJECT_KIND: SourceKind<ClassConfig> = {
  promises: {
    consistency: { default: "snapshot", available: ["snapshot", "live"] },
    // https://developers.cloudflare.com/durable-objects/platform/limits/, November 2026.
    limits: {
      statementBytesMax: 100_000,
      rowBytesMax: 2_000_000,
      databaseBytesMax: 10_000_000_000,
      querySecondsMax: null,
    },
  },
  objects: ({ names }) => {
    if (names === undefined) return "one";
    return Array.isArray(names) ? "listed" : "any";
  },
  listNames: ({ names }) => {
    if (names === "any" || (Array.isArray(names) && names.length === 0)) return undefined;
    return names;
  },
  chooseObject: (config, request) => {
    const source = describeSource(request);
    const { name, id } = request;
    if (id !== undefined) {
      if (allowsAny(config) || config.id === id) return { id };
      throw refusedChoice(
        `id: ${source} accepts no ids: EXPORT_SOURCES allows them with \`"names": "any"\``,
      );
    }
    if (name !== undefined) {
      const isListed = Array.isArray(config.names) && config.names.includes(name);
      if (allowsAny(config) || isListed || config.name === name) return { name };
      throw new ExportError(
        "source-not-found",
        `EXPORT_SOURCES allows no object named ${JSON.stringify(name)} for ${source}`,
      );
    }
    if (config.name !== undefined) return { name: config.name };
    if (config.id !== undefined) return { id: config.id };
    throw refusedChoice(
      `name: ${source} is a class of many objects: choose one with \`name\` or \`id\``,
    );
  },
  requireBinding: getNamespace,
  find: (env, { binding }, object) => {
    if (object === null) throw new ExportError("invalid-request", "name: no object is named");
    const namespace = getNamespace(env, binding);
    const id = toObjectId(namespace, binding, object);
    const stub = (): DatabaseStub => namespace.get(id) as unknown as DatabaseStub;
    return {
      key: `durable-object ${binding} ${id.toString()}`,
      open: () => durableObjectSource(stub, binding),
    };
  },
};

/** Returns the namespace of a class of Durable Objects. Errors: `configuration-invalid`. */
export function getNamespace(env: object, binding: string): DurableObjectNamespace {
  return getBinding(env, binding, {
    expected: "a Durable Object namespace",
    isExpected: (value): value is DurableObjectNamespace => "idFromName" in value,
  });
}

function toObjectId(
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
