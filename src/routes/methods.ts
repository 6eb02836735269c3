/** Methods that some route has for `path`; none where there is no such route. */
export function allowedMethods(
  routes: readonly { method: string; path: string }[],
  path: string,
): string[] {
  const asked = path.split("/");
  const methods = routes
    .filter((route) => route.method !== "ALL" && matches(route.path.split("/"), asked))
    .map((route) => route.method);
  if (methods.includes("GET")) methods.push("HEAD");
  return [...new Set(methods)].sort();
}

function matches(route: string[], asked: string[]): boolean {
  return (
    route.length === asked.length &&
    route.every((segment, at) => segment.startsWith(":") || segment === asked[at])
  );
}
