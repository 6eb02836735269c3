import { Webhook } from "standardwebhooks";

import { assert } from "../lib/assert.ts";

/**
 * Returns the `webhook-signature` of a message: one `v1,<base64 HMAC-SHA256>` for each secret,
 * separated by spaces. A receiver accepts the message if any of them matches its own. `secrets`
 * come from `parseWebhookSecrets`, at least one.
 */
export function signMessage(message: {
  id: string;
  timestampMs: number;
  payload: string;
  secrets: readonly string[];
}): string {
  const { id, timestampMs, payload, secrets } = message;
  // The signed text is `id.timestamp.payload`: a dot in the id would let two different messages
  // have the same signature.
  assert(/^[\w-]+$/.test(id), "a webhook id consists of letters, digits, _ and -");
  assert(secrets.length > 0, "a message is signed by at least one secret");
  const timestamp = new Date(timestampMs);
  return secrets.map((secret) => new Webhook(secret).sign(id, timestamp, payload)).join(" ");
}
