import type { Command } from "commander";

import type { ManifestText, Proof } from "../answers.ts";
import { usageError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { showBytes } from "../download-file.ts";
import { isFleetCopy } from "../fleet-copy.ts";
import { parseJobId } from "../job-id.ts";
import { describeMasked } from "../parse-masks.ts";
import { describeProved } from "../restored-itself.ts";
import { TemporaryFolder } from "../temporary-folder.ts";
import { unsealFile } from "../unseal-file.ts";
import { verifyFleet } from "../verify-fleet.ts";
import { type Claim, claimsOf, findSealedClaim, readManifest, verifyFile } from "../verify-file.ts";
import { requireSigned, unsigned } from "../verify-signature.ts";
import { requireRestorable, verifyRestore } from "../verify-restore.ts";

interface VerifyOptions {
  manifest?: string;
  job?: string;
  restore?: boolean;
  identity?: string;
  publicKey?: string;
}

/** `verify`: checks that a file matches its manifest, and optionally that it loads. */
export function addVerify(program: Command, open: (command: Command) => Context): void {
  program
    .command("verify")
    .description("compare a file, ZIP or folder with its manifest; --restore also loads it")
    .argument("<path>", "a downloaded file, ZIP or folder, or the folder of a copy")
    .option("--manifest <file>", "the manifest (default: the one next to the file)")
    .option("--job <id>", "get the manifest of this job from the Worker", parseJobId)
    .option("--public-key <file>", "require that its owner has signed the manifest")
    .option("--identity <file>", "the private key that opens files sealed by age")
    .option("--restore", "load an SQL dump into a scratch SQLite and count every table's rows")
    .action(async (path: string, options: VerifyOptions, self: Command) => {
      const temporary = new TemporaryFolder();
      try {
        await verify(open(self), { path, options, temporary });
      } finally {
        temporary.remove();
      }
    });
}

async function verify(
  context: Context,
  asked: { path: string; options: VerifyOptions; temporary: TemporaryFolder },
): Promise<void> {
  const { terminal } = context;
  const { path, options, temporary } = asked;
  if (options.manifest !== undefined && options.job !== undefined) {
    throw usageError("--manifest and --job both name the manifest");
  }
  if (options.manifest === undefined && options.job === undefined && (await isFleetCopy(path))) {
    return verifyCopyOfFleet(context, path, options);
  }
  const kept =
    options.job === undefined
      ? await readManifest(path, options.manifest)
      : await context.client().getManifest(options.job);
  const { manifest } = kept;
  const { publicKey } = options;
  if (publicKey !== undefined) await requireSignature(context, kept, { publicKey, ...options });
  const claims = await claimsOf(path, kept);
  const { format, content, consistency, tables: listed, artifacts } = manifest;
  const dump = { format, content, consistency, tables: listed };
  if (options.restore === true) requireRestorable({ ...dump, files: claims });
  const files: { path: string; bytes: number; sha256: string }[] = [];
  const plain: { path: string; bytes: number }[] = [];
  for (const claim of claims) {
    const { path: shown } = claim;
    const staysSealed = options.identity === undefined && options.restore !== true;
    const stored = staysSealed ? await findSealedClaim(claim) : undefined;
    const opened =
      stored?.path ??
      (await unsealFile(shown, {
        shown,
        identityFile: options.identity,
        temporary,
        signal: context.host.interrupt,
      }));
    const verified = await verifyOne(context, { ...(stored ?? claim), path: opened, shown });
    files.push({ path: claim.path, ...verified });
    plain.push({ path: opened, bytes: verified.bytes });
  }
  const count = claims.some((claim) => "zipOf" in claim) ? artifacts.length : claims.length;
  terminal.finish(
    `${path}: ${count === 1 ? "size and SHA-256" : `sizes and SHA-256 of ${count} files`} match the manifest`,
    path,
  );
  if (manifest.masked.length > 0) terminal.note(`masked: ${describeMasked(manifest.masked)}`);
  const proved = describeProved(manifest.proof, manifest.masked.length > 0);
  if (proved !== undefined) terminal.note(`${proved} (${describeRecord(manifest.proof)})`);
  const restored =
    options.restore === true ? await verifyRestore(context, { ...dump, files: plain }) : null;
  terminal.printJson({
    path,
    jobId: manifest.jobId,
    verified: true,
    files,
    proof: manifest.proof,
    restored,
  });
}

async function verifyCopyOfFleet(
  { terminal, host }: Context,
  path: string,
  { identity, publicKey, restore }: VerifyOptions,
): Promise<void> {
  if (restore === true) {
    throw usageError(
      "--restore loads the dump of one database, and a fleet has many",
      "Take one out with `durable-export fleet extract`, and load it with `restore FILE --to NEW.sqlite`.",
    );
  }
  const { fleetId, files } = await verifyFleet(path, {
    identityFile: identity,
    publicKeyFile: publicKey,
    terminal,
    signal: host.interrupt,
  });
  terminal.finish(`${path}: the SHA-256 of ${files.length} files match the manifest`, path);
  terminal.printJson({ path, fleetId, verified: true, files });
}

/** The signature is next to the manifest, or the Worker has both. */
async function requireSignature(
  { client, terminal }: Context,
  { text, path, signature: found }: ManifestText,
  { job, publicKey }: { job?: string; publicKey: string },
): Promise<void> {
  const signature =
    found ?? (path === undefined ? await client().getSignature(job ?? "") : undefined);
  if (signature === undefined) throw unsigned(path ?? "");
  const shown = path ?? "the Worker's manifest";
  await requireSigned({ shown, text }, { signature, publicKeyFile: publicKey });
  terminal.note(`${shown}: signed by the key in ${publicKey}`);
}

/** A proof belongs to the bytes whose hashes are in the same manifest. */
function describeRecord(proof: Proof | null): string {
  const time = proof === null || proof.at === null ? "" : ` on ${proof.at.replace(/\.\d+Z$/, "Z")}`;
  return `proved${time}, according to the manifest`;
}

async function verifyOne(
  { terminal, host }: Context,
  claim: Claim,
): Promise<{ bytes: number; sha256: string }> {
  const progress = terminal.startProgress("verifying");
  try {
    const signal = host.interrupt;
    return await verifyFile(claim, {
      signal,
      showBytes: (totalBytes) => showBytes(progress, totalBytes),
    });
  } finally {
    terminal.clearProgress();
  }
}
