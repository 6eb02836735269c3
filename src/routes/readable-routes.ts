import { matchesRoute } from "./methods.ts";
import { ROUTES } from "./route-table.ts";

const READABLE = ROUTES.filter((route) => route.access === "read");

/**
 * True where a read-only token may make the call. What the route table does not list asks for full
 * access, so that a new route is closed until somebody opens it.
 */
export function isReadable(method: string, path: string): boolean {
  const asked = method === "HEAD" ? "GET" : method;
  return READABLE.some((route) => route.method === asked && matchesRoute(route.path, path));
}
