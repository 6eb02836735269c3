import type { SourceConfig } from "../api/source-config.ts";
import { D1_KIND } from "./d1/d1-kind.ts";
import { DURABLE_OBJECT_KIND } from "./durable-object/durable-object-kind.ts";
import type { SourceKind } from "./source-kind.ts";

/** The registry of the kinds of databases, by the `type` of a source in `EXPORT_SOURCES`. */
const SOURCE_KINDS: {
  readonly [Type in SourceConfig["type"]]: SourceKind<Extract<SourceConfig, { type: Type }>>;
} = {
  "durable-object": DURABLE_OBJECT_KIND,
  d1: D1_KIND,
};

/** Returns the kind of a configured source. */
export function getSourceKind<Config extends SourceConfig>(config: Config): SourceKind<Config> {
  return SOURCE_KINDS[config.type] as SourceKind<Config>;
}
