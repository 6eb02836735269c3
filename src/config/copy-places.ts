import type { ManifestCopy } from "../api/copies.ts";
import { ExportError } from "../api/errors.ts";
import type { Settings } from "./settings.ts";

/** Requires recipients for a request that asks for encryption. Errors: `invalid-request`. */
export function requireRecipients(
  { ageRecipients }: Settings,
  { encrypt }: { encrypt?: string | undefined },
): void {
  if (encrypt === undefined || ageRecipients.length > 0) return;
  const message = "EXPORT_AGE_RECIPIENTS contains no public key to encrypt for";
  throw new ExportError("invalid-request", `the request: encrypt: ${message}`, {
    details: { issues: [{ path: "encrypt", message }] },
  });
}

/**
 * Returns where copies go: `folder` at each destination, sealed if there are recipients. Errors:
 * `destination-not-found`, with the configured names.
 */
export function listCopyPlaces(
  { destinations, ageRecipients }: Settings,
  copyTo: readonly string[],
  folder: string,
): ManifestCopy[] {
  const sealed = ageRecipients.length > 0;
  return copyTo.map((destination) => {
    const config = Object.hasOwn(destinations, destination) ? destinations[destination] : undefined;
    if (config !== undefined) return { destination, folder: `${config.prefix}${folder}`, sealed };
    throw new ExportError(
      "destination-not-found",
      `there is no destination ${JSON.stringify(destination)}`,
      { details: { destinations: Object.keys(destinations) } },
    );
  });
}
