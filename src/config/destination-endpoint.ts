import { ExportError } from "../api/errors.ts";
import { isLocalOrigin } from "../lib/local-origin.ts";
import { findHostFault } from "../notify/public-host.ts";

/**
 * Requires an endpoint that a deployed Worker may reach: https and a public host, by the rule of
 * callbacks. Any port is allowed, because only who deploys can set an endpoint. In local
 * development the machine's own host is allowed too, also by http. Errors: `configuration-invalid`.
 */
export function checkDestinationEndpoint(
  endpoint: string,
  { localDevelopment }: { localDevelopment: boolean },
): void {
  if (localDevelopment && isLocalOrigin(endpoint)) return;
  const { protocol, hostname } = new URL(endpoint);
  const fault =
    protocol === "https:" ? findHostFault(hostname)?.reason : "its endpoint is not https";
  if (fault === undefined) return;
  throw new ExportError("configuration-invalid", `a destination is refused: ${fault}`);
}
