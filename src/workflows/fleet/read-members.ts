import type { FleetNames } from "../../api/fleet-names.ts";
import type { Source } from "../../databases/source.ts";
import type { ArtifactStore } from "../../storage/artifact-store.ts";
import { collectFromNamespace } from "./namespace-members.ts";
import { collectFromObject } from "./object-members.ts";
import { MemberCollector, type MemberList } from "./member-list.ts";
import { collectFromQuery } from "./query-members.ts";

/** What registries are read from. */
export interface RegistryPlaces {
  store: Pick<ArtifactStore, "read">;
  /** Opens a configured source. */
  openSource: (name: string) => Source;
  /** The secret `CLOUDFLARE_API_TOKEN`; undefined if it is not set. */
  apiToken: string | undefined;
}

/**
 * Reads which objects a fleet backs up, in order and each once. A registry that fails half-way fails as a whole. Errors:
 * `fleet-names-invalid` for a registry that lists no usable names, `configuration-invalid` without a token, those of the
 * store and of the source; `source-unavailable` if Cloudflare's API does not answer.
 */
export async function readMembers(
  names: FleetNames,
  { store, openSource, apiToken }: RegistryPlaces,
): Promise<MemberList> {
  if (Array.isArray(names)) {
    const collector = new MemberCollector("the request's `names`");
    for (const [at, name] of names.entries()) collector.add(name, `name ${at + 1}`);
    return collector.finish("name");
  }
  if ("query" in names) {
    const collector = new MemberCollector(
      `the query of names in source ${JSON.stringify(names.source)}`,
    );
    await collectFromQuery(openSource(names.source), names.query, collector);
    return collector.finish("name");
  }
  if ("object" in names) {
    const collector = new MemberCollector(`the object ${JSON.stringify(names.object)} of names`);
    await collectFromObject(store, names.object, collector);
    return collector.finish("name");
  }
  const collector = new MemberCollector(`the namespace ${names.namespace.namespaceId}`);
  await collectFromNamespace(names.namespace, { apiToken }, collector);
  return collector.finish("id");
}
