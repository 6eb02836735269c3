import { matchesRoute } from "./methods.ts";
import { TOKEN_ACCESSES, type TokenAccess } from "../../config/access-tokens.ts";
import { ROUTES } from "../openapi/route-table.ts";

/**
 * True if a token of `access` may make the call. A path that the route table does not list asks for
 * full access, so that a new route is closed until somebody opens it.
 */
export function mayCall(access: TokenAccess, method: string, path: string): boolean {
  const asked = method === "HEAD" ? "GET" : method;
  const route = ROUTES.find((each) => each.method === asked && matchesRoute(each.path, path));
  const needed = route?.access ?? "full";
  return needed === "open" || TOKEN_ACCESSES.indexOf(access) >= TOKEN_ACCESSES.indexOf(needed);
}
