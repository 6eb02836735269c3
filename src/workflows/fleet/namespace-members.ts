import * as v from "valibot";

import { ExportError } from "../../api/errors.ts";
import { parseJson } from "../../lib/parse-json.ts";
import type { MemberCollector } from "./member-list.ts";

const API = "https://api.cloudflare.com/client/v4";

/** The largest page that the API returns. */
const PAGE_OBJECTS = 10_000;

/** How long one page may take. */
const PAGE_MS_MAX = 60_000;

/**
 * A page of a namespace's objects:
 * https://developers.cloudflare.com/api/resources/durable_objects/subresources/namespaces/subresources/objects/.
 */
const PageSchema = v.object({
  result: v.array(v.object({ id: v.string(), hasStoredData: v.optional(v.boolean()) })),
  result_info: v.optional(v.object({ cursor: v.optional(v.nullable(v.string())) })),
});

/** What the API answers to a call that it refuses. */
const RefusalSchema = v.object({ errors: v.array(v.object({ message: v.string() })) });

/**
 * Adds the ids of all objects of a namespace that store data. The API lists them without waking them. Errors:
 * `configuration-invalid` without a token, `fleet-names-invalid` if the API refuses the call, `source-unavailable` if it
 * does not answer.
 */
export async function collectFromNamespace(
  namespace: { accountId: string; namespaceId: string },
  { apiToken, send = fetch }: { apiToken: string | undefined; send?: typeof fetch },
  collector: MemberCollector,
): Promise<void> {
  if (apiToken === undefined || apiToken === "") {
    throw new ExportError(
      "configuration-invalid",
      "a fleet lists a namespace, and the secret CLOUDFLARE_API_TOKEN is not set",
    );
  }
  const { accountId, namespaceId } = namespace;
  const path = `accounts/${accountId}/workers/durable_objects/namespaces/${namespaceId}/objects`;
  let cursor: string | null = "";
  while (cursor !== null) {
    const url = new URL(`${API}/${path}`);
    url.searchParams.set("limit", String(PAGE_OBJECTS));
    if (cursor !== "") url.searchParams.set("cursor", cursor);
    const page = await getPage(url, { apiToken, send }, collector);
    for (const { id, hasStoredData } of page.result) {
      if (hasStoredData !== false) collector.add(id, "an id");
    }
    cursor = page.result_info?.cursor || null;
  }
}

async function getPage(
  url: URL,
  { apiToken, send }: { apiToken: string; send: typeof fetch },
  collector: MemberCollector,
): Promise<v.InferOutput<typeof PageSchema>> {
  const { status, body } = await ask(url, { apiToken, send });
  const page = v.safeParse(PageSchema, body);
  if (status === 200 && page.success) return page.output;
  const refusal = v.safeParse(RefusalSchema, body);
  const why = refusal.success
    ? `: ${refusal.output.errors.map((each) => each.message).join("; ")}`
    : "";
  throw status === 429 || status >= 500
    ? unavailable(`status ${status}${why}`)
    : collector.refuse(`Cloudflare's API answered with status ${status}${why}`);
}

async function ask(
  url: URL,
  { apiToken, send }: { apiToken: string; send: typeof fetch },
): Promise<{ status: number; body: unknown }> {
  try {
    const response = await send(url, {
      headers: { authorization: `Bearer ${apiToken}` },
      // The token must not follow to another host.
      redirect: "manual",
      signal: AbortSignal.timeout(PAGE_MS_MAX),
    });
    const text = await response.text();
    return { status: response.status, body: parseJson(text) };
  } catch (cause) {
    throw unavailable(String(cause), cause);
  }
}

function unavailable(why: string, cause?: unknown): ExportError {
  return new ExportError(
    "source-unavailable",
    `Cloudflare's API did not list the objects: ${why}`,
    {
      cause,
    },
  );
}
