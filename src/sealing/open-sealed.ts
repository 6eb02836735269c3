import { Decrypter } from "age-encryption";

/** Why a sealed file cannot be opened, in plain words that contain no key. */
export class SealFault extends Error {
  override readonly name = "SealFault";
}

/** The first line of every file that age seals; its armored form is not used here. */
const AGE_LINE = "age-encryption.org/v1\n";

/**
 * Returns the private keys of an identity file, as `age-keygen` writes it: one per line, with
 * comments after `#`. Throws `SealFault` if there is none or if one is invalid; it shows no key.
 */
export function parseIdentities(text: string): string[] {
  const identities = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (identities.length === 0) throw new SealFault("the identity file contains no private key");
  for (const identity of identities) {
    try {
      new Decrypter().addIdentity(identity);
    } catch {
      throw new SealFault("the identity file has a line that is not a private key of age");
    }
  }
  return identities;
}

/**
 * Returns the plain bytes of a sealed file. They are trustworthy only once the stream ends: the
 * stream fails with `SealFault` at the first chunk of 64 KiB that was changed, moved or cut off.
 * Throws `SealFault` if it is no file of age, if its header was changed, or if no identity is that
 * of a recipient. Holds a few chunks.
 */
export async function openSealed(
  sealed: ReadableStream<Uint8Array>,
  identities: readonly string[],
): Promise<ReadableStream<Uint8Array>> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  let plain: ReadableStream<Uint8Array>;
  try {
    plain = await decrypter.decrypt(sealed);
  } catch (cause) {
    throw describeHeaderFault(cause);
  }
  return nameFaults(plain);
}

/** True if a file starts as those that age seals. */
export function isSealed(start: Uint8Array): boolean {
  const text = new TextDecoder().decode(start.subarray(0, AGE_LINE.length));
  return text === AGE_LINE;
}

function describeHeaderFault(cause: unknown): unknown {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (message.includes("no identity matched")) {
    const message =
      "it is sealed for other keys than those of the identity file, or its header was changed";
    return new SealFault(message, { cause });
  }
  if (message.includes("invalid version")) {
    return new SealFault("it is not a file that age sealed", { cause });
  }
  // Errors of the disk or the network keep their own words.
  if (cause instanceof Error && "code" in cause) return cause;
  return new SealFault("its header was changed or cut off", { cause });
}

/**
 * Passes `plain` on, and names a place before which it can be opened. The library may have opened
 * more than was read.
 */
function nameFaults(plain: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = plain.getReader();
  let bytes = 0;
  return new ReadableStream({
    pull: async (controller) => {
      try {
        const { done, value } = await reader.read();
        if (done) return controller.close();
        bytes += value.byteLength;
        controller.enqueue(value);
      } catch (cause) {
        if (cause instanceof Error && "code" in cause) throw cause;
        const place = `after its plain byte ${bytes}`;
        throw new SealFault(`it was changed, reordered or cut off ${place}`, { cause });
      }
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
