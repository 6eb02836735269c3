import type { Settings } from "../config/settings.ts";
import { isLocalOrigin } from "../lib/local-origin.ts";
import { checkCallbackTarget } from "../notify/callback-target.ts";
import { readWebhookSecrets } from "../notify/webhook-secrets.ts";

/**
 * Returns the callback URL in the form that will be called. A secret that cannot sign fails now, and not when the
 * job ends.
 */
export function checkCallback(
  config: Settings,
  url: string | undefined,
  origin: string,
): { callbackUrl?: string } {
  if (url === undefined) return {};
  const localDevelopment = isLocalOrigin(origin);
  readWebhookSecrets(config, { localDevelopment });
  return {
    callbackUrl: checkCallbackTarget(url, {
      allowlist: config.callbackAllowlist,
      localDevelopment,
    }),
  };
}
