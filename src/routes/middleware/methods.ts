/** Returns the methods that routes accept for `path`; none if no route has that path. */
export function listMethods(
  routes: readonly { method: string; path: string }[],
  path: string,
): string[] {
  const methods = routes
    .filter((route) => matchesRoute(route.path, path))
    .map((route) => route.method);
  if (methods.includes("GET")) methods.push("HEAD");
  return [...new Set(methods)].sort();
}

/** True if `path` matches a route such as `/export/dump/:jobId`. */
export function matchesRoute(route: string, path: string): boolean {
  const asked = path.split("/");
  const segments = route.split("/");
  return (
    segments.length === asked.length &&
    segments.every((segment, at) =>
      segment.startsWith(":") ? asked[at] !== "" : segment === asked[at],
    )
  );
}
