import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { dirname, join } from "node:path";

import { toReadableName } from "../src/rpc/readable-key.ts";
import { CliError, throwIfInterrupted } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { type CopiedMember, type CopiedPack, differs, FleetCopy, suffixOf } from "./fleet-copy.ts";
import { formatNumberOf } from "./format.ts";
import { makeFolder, writeWhole } from "./output-place.ts";
import { diskError, findFileKind } from "./partial-file.ts";
import { TemporaryFolder } from "./temporary-folder.ts";
import type { Terminal } from "./terminal.ts";

/** A dump that was taken out of a pack, and compared with the pack's index. */
export interface ExtractedMember {
  member: string;
  path: string;
  bytes: number;
  rows: number;
  sha256: string;
}

interface Extraction {
  /** The folder with the copy. */
  folder: string;
  /** The name or id of one member; undefined for all. */
  member: string | undefined;
  /** A file, or a folder if it ends with a slash or is one. All members need a folder. */
  output: string;
  identityFile: string | undefined;
  publicKeyFile: string | undefined;
  terminal: Terminal;
  signal: AbortSignal;
}

/**
 * Takes the dumps of one member, or of all, out of a copy of a fleet, without a Worker. Each is compared with the
 * SHA-256 in its pack's index, and the index with the manifest. Errors: `member-not-found`, `checksum-mismatch`, those
 * of `FleetCopy`, disk errors.
 */
export async function extractMembers(extraction: Extraction): Promise<ExtractedMember[]> {
  const { folder, member, identityFile, publicKeyFile, terminal, signal } = extraction;
  const copy = await FleetCopy.open(folder, { identityFile, publicKeyFile, signal });
  if (publicKeyFile !== undefined) terminal.note(copy.describeSigner());
  if (member !== undefined) return extractOne(extraction, copy, member);
  for (const each of copy.describeExports()) terminal.note(each);
  const done: ExtractedMember[] = [];
  for (const pack of copy.manifest.packs) {
    done.push(...(await extractPack(extraction, copy, pack)));
  }
  return done;
}

async function extractOne(
  extraction: Extraction,
  copy: FleetCopy,
  member: string,
): Promise<ExtractedMember[]> {
  const pack = copy.findPack(member);
  const done = pack === undefined ? [] : await extractPack(extraction, copy, pack);
  if (done.length > 0) return done;
  const { exports, failures } = copy.manifest;
  const exported = exports.find((each) => each.member === member);
  const failure = failures.find((each) => each.member === member);
  const why =
    exported !== undefined
      ? `it is in the copy of its own export ${exported.jobId}`
      : failure !== undefined
        ? `${failure.code}: ${failure.message}`
        : "it is not in the fleet, or had no tables";
  const places = exported?.copies.map((place) => `${place.folder} at ${place.destination}`) ?? [];
  throw new CliError(
    { ofWorker: "member-not-found" },
    `no pack of the copy has ${JSON.stringify(member)}: ${why}`,
    {
      exitCode: EXIT.failed,
      hint: places.length === 0 ? undefined : `Get the folder ${places.join(", or ")}.`,
    },
  );
}

/** Takes the wanted members out of a pack. What age has sealed is opened for one pack at a time. */
async function extractPack(
  extraction: Extraction,
  copy: FleetCopy,
  pack: CopiedPack,
): Promise<ExtractedMember[]> {
  const { member, terminal } = extraction;
  const temporary = new TemporaryFolder();
  try {
    const index = await copy.readIndex(pack, temporary);
    const wanted = index.filter((each) => member === undefined || each.member === member);
    if (wanted.length === 0) return [];
    const file = await copy.openFile(pack, temporary);
    return await writeMembers(extraction, file, {
      wanted,
      nameFile: (each) => `${nameMember(copy, each)}${suffixOf(pack)}`,
    });
  } finally {
    temporary.remove();
    terminal.clearProgress();
  }
}

async function writeMembers(
  { member, output, terminal, signal }: Extraction,
  { path: packPath, shown }: { path: string; shown: string },
  { wanted, nameFile }: { wanted: CopiedMember[]; nameFile: (member: CopiedMember) => string },
): Promise<ExtractedMember[]> {
  const isFolder =
    member === undefined || /[/\\]$/.test(output) || (await findFileKind(output)) === "folder";
  await makeFolder(isFolder ? output : dirname(output));
  const handle = await open(packPath).catch((error: unknown) => {
    throw diskError(error, shown);
  });
  const progress = terminal.startProgress("extracting");
  const done: ExtractedMember[] = [];
  try {
    for (const each of wanted) {
      throwIfInterrupted(signal);
      const file = Buffer.alloc(each.bytes);
      const { bytesRead } = await handle.read(file, 0, each.bytes, each.offset);
      requireFile(each, file.subarray(0, bytesRead), shown);
      const path = isFolder ? join(output, nameFile(each)) : output;
      await writeWhole(path, file);
      const { bytes, rows, sha256 } = each;
      done.push({ member: each.member, path, bytes, rows, sha256 });
      const part = `${done.length} of ${formatNumberOf(wanted.length, "object")}`;
      progress.update((100 * done.length) / wanted.length, [part]);
    }
  } finally {
    await handle.close();
  }
  return done;
}

function requireFile({ member, sha256 }: CopiedMember, file: Uint8Array, shown: string): void {
  if (createHash("sha256").update(file).digest("hex") === sha256) return;
  throw differs(`the dump of ${JSON.stringify(member)} in ${shown} differs from the index`);
}

function nameMember({ manifest }: FleetCopy, { member }: CopiedMember): string {
  return toReadableName(manifest.namedBy === "name" ? { name: member } : { id: member });
}
