import type { JobView } from "../api/job-view.ts";
import { isLocalOrigin } from "../lib/local-origin.ts";
import type { AllowedCall } from "./route.ts";

/** The part of a call from which links are built. */
type LinkedCall = Pick<AllowedCall, "context" | "settings">;

/**
 * Returns the start of the links in an answer: `EXPORT_PUBLIC_URL`, or the address that the caller
 * used. Only the caller may see the latter, because it comes from the request's Host header. It is
 * empty for a service binding, which uses no address.
 */
export function resolveAnswerOrigin({ context, settings }: LinkedCall): string {
  return settings.publicUrl ?? context.get("callerOrigin") ?? new URL(context.req.url).origin;
}

/**
 * Returns the start of the links of a new job, including those in its callback:
 * `EXPORT_PUBLIC_URL`, or the address of a Worker in local development. Otherwise it is empty, so
 * that the links are paths: a caller can write anything into a Host header.
 */
export function resolveStoredOrigin(call: LinkedCall): string {
  const origin = resolveAnswerOrigin(call);
  return call.settings.publicUrl !== undefined || isLocalOrigin(origin) ? origin : "";
}

/** Returns a link as a URL: a path is prefixed with `origin`. */
export function makeAbsolute(link: string, origin: string): string {
  return link.startsWith("/") ? `${origin}${link}` : link;
}

/** Returns the view with its links as URLs. */
export function makeLinksAbsolute(view: JobView, origin: string): JobView {
  const absolute = (link: string): string => makeAbsolute(link, origin);
  const { self, download, manifest, events } = view.links;
  return {
    ...view,
    artifacts: view.artifacts.map((artifact) => ({
      ...artifact,
      downloadUrl: absolute(artifact.downloadUrl),
    })),
    links: {
      self: absolute(self),
      download: absolute(download),
      manifest: absolute(manifest),
      events: absolute(events),
    },
  };
}
