import { matchesRoute } from "./methods.ts";

/**
 * What a read-only token opens: calls that tell of jobs and give their files. A route that is not
 * listed asks for full access, so that a new one is closed until somebody opens it.
 */
export const READABLE_ROUTES: readonly string[] = [
  "/export/dump/:jobId",
  "/export/dump/:jobId/download",
  "/export/dump/:jobId/download/:artifact",
  "/export/dump/:jobId/manifest",
  "/export/dump/:jobId/events",
  "/export/jobs",
  "/export/sources",
  "/openapi.json",
];

/** True where a read-only token may make the call. */
export function isReadable(method: string, path: string): boolean {
  return (
    (method === "GET" || method === "HEAD") &&
    READABLE_ROUTES.some((route) => matchesRoute(route, path))
  );
}
