import { Encrypter } from "age-encryption";

import { ExportError } from "../api/errors.ts";

/** The most recipients of a file: each adds about 100 bytes and one key agreement. */
const RECIPIENTS_MAX = 20;

/**
 * Parses `EXPORT_AGE_RECIPIENTS`: public keys `age1…`, separated by white space or commas. Returns
 * none if the variable is missing or empty. Only X25519 keys are accepted, which every version of
 * age opens. Errors: `configuration-invalid`, which shows no key.
 */
export function parseRecipients(text: string | undefined): string[] {
  const recipients = (text ?? "").split(/[\s,]+/).filter((each) => each !== "");
  if (recipients.length > RECIPIENTS_MAX) {
    throw misconfiguration(
      `contains ${recipients.length} keys, but at most ${RECIPIENTS_MAX} are allowed`,
    );
  }
  for (const [at, recipient] of recipients.entries()) {
    const fault = findFault(recipient);
    if (fault !== undefined) throw misconfiguration(`key ${at + 1} ${fault}`);
  }
  if (new Set(recipients).size < recipients.length) throw misconfiguration("contains a key twice");
  return recipients;
}

function findFault(recipient: string): string | undefined {
  if (/^age-secret-key-/i.test(recipient)) {
    return "is private: remove it, and set its public key, which starts with `age1`";
  }
  if (!/^age1[^1]+$/.test(recipient)) {
    return "is not an X25519 public key, which starts with `age1`";
  }
  try {
    new Encrypter().addRecipient(recipient);
    return undefined;
  } catch {
    return "is misspelled: its checksum is wrong";
  }
}

function misconfiguration(reason: string): ExportError {
  return new ExportError("configuration-invalid", `EXPORT_AGE_RECIPIENTS: ${reason}`);
}
