import type { Command } from "commander";

import type { Proof } from "../answers.ts";
import { usageError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { showBytes } from "../download-file.ts";
import { parseJobId } from "../job-id.ts";
import { describeProved } from "../restored-itself.ts";
import { type Claim, claimsOf, readManifest, verifyFile } from "../verify-file.ts";
import { requireRestorable, verifyRestore } from "../verify-restore.ts";

interface VerifyOptions {
  manifest?: string;
  job?: string;
  restore?: boolean;
}

/** `verify`: checks that a file matches its manifest, and optionally that it loads. */
export function addVerify(program: Command, open: (command: Command) => Context): void {
  program
    .command("verify")
    .description("compare a file, ZIP or folder with its manifest; --restore also loads it")
    .argument("<path>", "a downloaded file, ZIP or folder")
    .option("--manifest <file>", "the manifest (default: the one next to the file)")
    .option("--job <id>", "get the manifest of this job from the Worker", parseJobId)
    .option("--restore", "load an SQL dump into a scratch SQLite and count every table's rows")
    .action(async (path: string, options: VerifyOptions, self: Command) => {
      const context = open(self);
      const { terminal } = context;
      if (options.manifest !== undefined && options.job !== undefined) {
        throw usageError("--manifest and --job both name the manifest");
      }
      const kept =
        options.job === undefined
          ? await readManifest(path, options.manifest)
          : await context.client().getManifest(options.job);
      const { manifest } = kept;
      const claims = await claimsOf(path, kept);
      const { format, content, consistency, tables: listed, artifacts } = manifest;
      const dump = { format, content, consistency, tables: listed };
      if (options.restore === true) requireRestorable({ ...dump, files: claims });
      const files: { path: string; bytes: number; sha256: string }[] = [];
      for (const claim of claims) files.push(await verifyOne(context, claim));
      const count = claims.some((claim) => "zipOf" in claim) ? artifacts.length : claims.length;
      terminal.finish(
        `${path}: ${count === 1 ? "size and SHA-256" : `sizes and SHA-256 of ${count} files`} match the manifest`,
        path,
      );
      const proved = describeProved(manifest.proof);
      if (proved !== undefined) terminal.note(`${proved} (${describeRecord(manifest.proof)})`);
      const tables =
        options.restore === true ? await verifyRestore(context, { ...dump, files }) : null;
      terminal.printJson({
        path,
        jobId: manifest.jobId,
        verified: true,
        files,
        proof: manifest.proof,
        restored: tables,
      });
    });
}

/** A proof belongs to the bytes whose hashes are in the same manifest. */
function describeRecord(proof: Proof | null): string {
  const time = proof === null || proof.at === null ? "" : ` on ${proof.at.replace(/\.\d+Z$/, "Z")}`;
  return `proved${time}, according to the manifest`;
}

async function verifyOne(
  { terminal, host }: Context,
  claim: Claim,
): Promise<{ path: string; bytes: number; sha256: string }> {
  const progress = terminal.startProgress("verifying");
  try {
    const signal = host.interrupt;
    const verified = await verifyFile(claim, {
      signal,
      showBytes: (totalBytes) => showBytes(progress, totalBytes),
    });
    return { path: claim.path, ...verified };
  } finally {
    terminal.clearProgress();
  }
}
