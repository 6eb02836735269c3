const LOCAL_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * True where a Worker that is reached at `origin` runs in local development. Cloudflare routes a
 * request by its host, so none that reaches a deployed Worker names this machine.
 */
export function isLocalOrigin(origin: string): boolean {
  return LOCAL_HOSTS.has(URL.parse(origin)?.hostname ?? "");
}
