import { ExportError } from "../api/errors.ts";
import { onceForEach } from "../lib/once-for-each.ts";

/**
 * The fewest bytes of a signing secret outside local development, as the standard requires:
 * https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md#symmetric
 */
const WEBHOOK_SECRET_BYTES_MIN = 24;

/** The most secrets valid at the same time: the current one, and those being rotated out. */
const SECRETS_MAX = 5;

/** Base64 as every receiver's library reads it: the plain alphabet, padded. */
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

interface SecretSettings {
  /** `EXPORT_WEBHOOK_SECRET` as set. */
  webhookSecret: string | undefined;
}

/**
 * Returns the secrets that sign callbacks, parsed once for each `settings`. Errors: those of
 * `parseWebhookSecrets`. They appear with the first callback, so that an invalid secret stops
 * nothing else.
 */
export function readWebhookSecrets(
  settings: SecretSettings,
  { localDevelopment }: { localDevelopment: boolean },
): string[] {
  return localDevelopment ? readLocal(settings) : readDeployed(settings);
}

const readLocal = onceForEach(({ webhookSecret }: SecretSettings) =>
  parseWebhookSecrets(webhookSecret, { localDevelopment: true }),
);
const readDeployed = onceForEach(({ webhookSecret }: SecretSettings) =>
  parseWebhookSecrets(webhookSecret, { localDevelopment: false }),
);

/**
 * Parses EXPORT_WEBHOOK_SECRET: base64, with or without the prefix `whsec_`; several, separated by
 * spaces or commas, while one is rotated out. Returns none if the variable is missing or empty:
 * callbacks are then unsigned. Errors: `configuration-invalid`, whose message never contains a
 * secret.
 */
export function parseWebhookSecrets(
  text: string | undefined,
  options: { localDevelopment: boolean },
): string[] {
  const secrets = (text ?? "").split(/[\s,]+/).filter((secret) => secret !== "");
  if (secrets.length > SECRETS_MAX) {
    throw misconfiguration(`contains ${secrets.length} secrets; at most ${SECRETS_MAX} can sign`);
  }
  for (const [index, secret] of secrets.entries()) {
    const which = secrets.length === 1 ? "" : ` (secret ${index + 1} of ${secrets.length})`;
    const base64 = stripSecretPrefix(secret);
    if (base64 === "" || !BASE64.test(base64)) {
      throw misconfiguration(
        `is not padded base64${which}; make one with \`openssl rand -base64 32\``,
      );
    }
    const bytes = (base64.length / 4) * 3 - (/=*$/.exec(base64)?.[0].length ?? 0);
    if (bytes < WEBHOOK_SECRET_BYTES_MIN && !options.localDevelopment) {
      throw misconfiguration(
        `has ${bytes} bytes${which}, but needs at least ${WEBHOOK_SECRET_BYTES_MIN}; make one with \`openssl rand -base64 32\``,
      );
    }
  }
  return secrets;
}

/** Returns the base64 of a secret, which must not be shown anywhere. */
export function stripSecretPrefix(secret: string): string {
  return secret.startsWith("whsec_") ? secret.slice("whsec_".length) : secret;
}

function misconfiguration(reason: string): ExportError {
  return new ExportError("configuration-invalid", `EXPORT_WEBHOOK_SECRET ${reason}`);
}
