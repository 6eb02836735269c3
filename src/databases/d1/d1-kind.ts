import type { SourceConfig } from "../../api/source-config.ts";
import { d1Source } from "./d1-source.ts";
import { getBinding } from "../get-binding.ts";
import { describeSource, refusedChoice, type SourceKind } from "../source-kind.ts";

/** A D1 database: one database for each binding. */
export const D1_KIND: SourceKind<Extract<SourceConfig, { type: "d1" }>> = {
  promises: {
    // While a snapshot is open, `meta.changes` of a customer's own writes also counts its triggers'
    // changes.
    consistency: { default: "live", available: ["live", "snapshot"] },
    // https://developers.cloudflare.com/d1/platform/limits/, November 2026.
    limits: {
      statementBytesMax: 100_000,
      rowBytesMax: 2_000_000,
      databaseBytesMax: 10_000_000_000,
      querySecondsMax: 30,
    },
  },
  objects: () => "one",
  listNames: () => undefined,
  chooseObject: (_, request) => {
    const { name, id } = request;
    if (name === undefined && id === undefined) return null;
    const field = name === undefined ? "id" : "name";
    throw refusedChoice(
      `${field}: ${describeSource(request)} is a D1 database, which has no objects`,
    );
  },
  requireBinding: getD1,
  find: (env, { binding }) => {
    const database = getD1(env, binding);
    return { key: `d1 ${binding}`, open: () => d1Source(database, binding) };
  },
};

function getD1(env: object, binding: string): D1Database {
  return getBinding(env, binding, {
    expected: "a D1 database",
    isExpected: (value): value is D1Database => "prepare" in value && "batch" in value,
  });
}
