const LOCAL_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * True if a Worker with this origin or URL runs in local development. Cloudflare routes a request
 * by its host, so no request that reaches a deployed Worker has a local host name.
 */
export function isLocalOrigin(origin: string): boolean {
  return LOCAL_HOSTS.has(URL.parse(origin)?.hostname ?? "");
}
