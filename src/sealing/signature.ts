import { ExportError } from "../api/errors.ts";
import { fromBase64, toBase64 } from "../lib/bytes.ts";

const ED25519 = { name: "Ed25519" };
/** The length of a public key in SPKI, and of a private key in PKCS8: RFC 8410. */
const SPKI_BYTES = 44;
const PKCS8_BYTES = 48;
const SIGNATURE_BYTES = 64;

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** A new key pair: the private key as `EXPORT_SIGNING_KEY` takes it, the public one as openssl does. */
export interface SigningKeys {
  /** PKCS8 in base64, on one line. A secret. */
  privateKey: string;
  /** SPKI as PEM. */
  publicKey: string;
}

/** Creates a pair of Ed25519 keys. */
export async function generateSigningKeys(): Promise<SigningKeys> {
  const pair = await crypto.subtle.generateKey(ED25519, true, ["sign", "verify"]);
  const { privateKey, publicKey } = pair as CryptoKeyPair;
  const pkcs8 = await crypto.subtle.exportKey("pkcs8", privateKey);
  const spki = await crypto.subtle.exportKey("spki", publicKey);
  return {
    privateKey: toBase64(new Uint8Array(pkcs8)),
    publicKey: `-----BEGIN PUBLIC KEY-----\n${toBase64(new Uint8Array(spki))}\n-----END PUBLIC KEY-----\n`,
  };
}

/**
 * Reads `EXPORT_SIGNING_KEY`: an Ed25519 private key, PKCS8 in base64 or PEM. Errors:
 * `configuration-invalid`, which never contains the key.
 */
export async function readSigningKey(text: string): Promise<CryptoKey> {
  const bytes = decodePem(text, "PRIVATE KEY");
  if (bytes?.byteLength !== PKCS8_BYTES) throw misconfiguration();
  try {
    return await crypto.subtle.importKey("pkcs8", bytes, ED25519, false, ["sign"]);
  } catch {
    // The cause is dropped, because it may quote the key.
    throw misconfiguration();
  }
}

/** Returns what is wrong with `EXPORT_SIGNING_KEY`, without the key; undefined if nothing is, or if it is not set. */
export async function findSigningProblem(text: string | undefined): Promise<string | undefined> {
  if (text === undefined) return undefined;
  try {
    await readSigningKey(text);
    return undefined;
  } catch (error) {
    if (error instanceof ExportError) return error.message;
    throw error;
  }
}

/** Returns the raw signature over a manifest's bytes: 64 bytes, the content of `manifest.json.sig`. */
export async function signManifest(
  key: CryptoKey,
  manifest: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.sign(ED25519, key, manifest));
}

/**
 * Reads a public key: PEM, as `keygen` and openssl write it, or its base64 only. Returns undefined
 * if it is not an Ed25519 public key.
 */
export async function readPublicKey(text: string): Promise<CryptoKey | undefined> {
  const bytes = decodePem(text, "PUBLIC KEY");
  if (bytes?.byteLength !== SPKI_BYTES) return undefined;
  try {
    return await crypto.subtle.importKey("spki", bytes, ED25519, false, ["verify"]);
  } catch {
    return undefined;
  }
}

/** True if `signature` is that of the key's owner over exactly these bytes. */
export async function isSignedBy(
  key: CryptoKey,
  signature: Uint8Array<ArrayBuffer>,
  manifest: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  if (signature.byteLength !== SIGNATURE_BYTES) return false;
  return crypto.subtle.verify(ED25519, key, signature, manifest);
}

function decodePem(text: string, label: string): Uint8Array<ArrayBuffer> | undefined {
  const base64 = text
    .replace(`-----BEGIN ${label}-----`, "")
    .replace(`-----END ${label}-----`, "")
    .replaceAll(/\s+/g, "");
  return BASE64.test(base64) ? fromBase64(base64) : undefined;
}

function misconfiguration(): ExportError {
  return new ExportError(
    "configuration-invalid",
    "EXPORT_SIGNING_KEY is not an Ed25519 private key in PKCS8 and base64: make one with `durable-export keygen`",
  );
}
