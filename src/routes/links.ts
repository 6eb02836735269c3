import type { JobView } from "../api/job-view.ts";
import { isLocalOrigin } from "../lib/local-origin.ts";
import type { AllowedCall } from "./route.ts";

/** The part of a call that links are made of. */
type LinkedCall = Pick<AllowedCall, "context" | "settings">;

/**
 * What the links in an answer start with: `EXPORT_PUBLIC_URL`, or the address that the caller used.
 * Only the caller may see the latter, since it comes from the request's Host header.
 */
export function answerOrigin({ context, settings }: LinkedCall): string {
  return settings.publicUrl ?? new URL(context.req.url).origin;
}

/**
 * What the links of a new job start with, in its callback too: `EXPORT_PUBLIC_URL`, or the address of
 * a Worker in local development. Otherwise empty, so that the links are paths: a Host header is
 * whatever the caller wrote.
 */
export function storedOrigin(call: LinkedCall): string {
  const origin = answerOrigin(call);
  return call.settings.publicUrl !== undefined || isLocalOrigin(origin) ? origin : "";
}

/** The view with every link that is a path turned into a URL below `origin`. */
export function withAbsoluteLinks(view: JobView, origin: string): JobView {
  const absolute = (link: string): string => (link.startsWith("/") ? `${origin}${link}` : link);
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
