import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import * as v from "valibot";

import { compareUtf8 } from "../src/lib/compare-utf8.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { ZIP_MANIFEST } from "./output-place.ts";
import { diskError, hashFile } from "./partial-file.ts";
import type { TemporaryFolder } from "./temporary-folder.ts";
import { unsealFile } from "./unseal-file.ts";
import { findSignature, requireSigned, unsigned } from "./verify-signature.ts";

const FileSchema = { key: v.string(), bytes: v.number(), sha256: v.string() };

/** The parts of a fleet's manifest that this program reads. */
const ManifestSchema = v.looseObject({
  version: v.literal(1),
  fleetId: v.string(),
  namedBy: v.picklist(["name", "id"]),
  packs: v.array(
    v.looseObject({
      ...FileSchema,
      members: v.number(),
      first: v.string(),
      last: v.string(),
      index: v.looseObject(FileSchema),
    }),
  ),
  exports: v.array(
    v.looseObject({
      member: v.string(),
      jobId: v.string(),
      copies: v.optional(
        v.array(v.looseObject({ destination: v.string(), folder: v.string() })),
        [],
      ),
    }),
  ),
  failures: v.array(v.looseObject({ member: v.string(), code: v.string(), message: v.string() })),
});

export type FleetCopyManifest = v.InferOutput<typeof ManifestSchema>;
export type CopiedPack = FleetCopyManifest["packs"][number];

const IndexSchema = v.looseObject({
  version: v.literal(1),
  fleetId: v.string(),
  members: v.array(
    v.looseObject({
      member: v.string(),
      offset: v.number(),
      bytes: v.number(),
      sha256: v.string(),
      rows: v.number(),
    }),
  ),
});

export type CopiedMember = v.InferOutput<typeof IndexSchema>["members"][number];

/** What opens the files of a copy, and proves its manifest. */
interface CopyKeys {
  /** The file with the public key of the owner who must have signed the manifest; undefined if nobody must. */
  publicKeyFile: string | undefined;
  /** The file with the private keys of age; undefined if the user named none. */
  identityFile: string | undefined;
  signal: AbortSignal;
}

/** A folder that contains a copy of a fleet, as a destination has it. The files may be sealed. */
export class FleetCopy {
  readonly manifest: FleetCopyManifest;
  readonly #folder: string;
  readonly #keys: CopyKeys;

  private constructor(folder: string, manifest: FleetCopyManifest, keys: CopyKeys) {
    this.#folder = folder;
    this.manifest = manifest;
    this.#keys = keys;
  }

  /** Reads the manifest of a copy. Errors: `manifest-invalid`, those of `requireSigned`, disk errors. */
  static async open(folder: string, keys: CopyKeys): Promise<FleetCopy> {
    const path = manifestOf(folder);
    const text = await readFile(path, "utf8").catch((error: unknown) => {
      throw diskError(error, path);
    });
    const { publicKeyFile } = keys;
    if (publicKeyFile !== undefined) {
      const signature = await findSignature(path);
      if (signature === undefined) throw unsigned(path, "Get it from the folder of the copy.");
      await requireSigned({ shown: path, text }, { signature, publicKeyFile });
    }
    return new FleetCopy(folder, parse(ManifestSchema, text, path), keys);
  }

  /** Returns one line about who signed the manifest; only for a copy that was opened with a public key. */
  describeSigner(): string {
    return `${manifestOf(this.#folder)}: signed by the key in ${this.#keys.publicKeyFile}`;
  }

  /** Returns one line for each member that has an export of its own, with the places of its copies. */
  describeExports(): string[] {
    return this.manifest.exports.map(({ member, jobId, copies }) => {
      const places = copies.map(({ folder, destination }) => `${folder} at ${destination}`);
      const where = places.length === 0 ? "" : `: ${places.join(", ")}`;
      return `${JSON.stringify(member)} is in the copy of its own export ${jobId}${where}`;
    });
  }

  /** Returns the only pack that may contain a member; undefined if none may. */
  findPack(member: string): CopiedPack | undefined {
    return this.manifest.packs.find(
      ({ first, last }) => compareUtf8(first, member) <= 0 && compareUtf8(member, last) <= 0,
    );
  }

  /** Returns the members of a pack, in order. Errors: those of `openWhole` for the index. */
  async readIndex({ index }: CopiedPack, temporary: TemporaryFolder): Promise<CopiedMember[]> {
    const { path, shown } = await this.openWhole(index, temporary);
    return parse(IndexSchema, await readFile(path, "utf8"), shown).members;
  }

  /** Does what `openFile` does. Errors: also `checksum-mismatch` if the plain bytes are not the manifest's. */
  async openWhole(
    file: { key: string; sha256: string },
    temporary: TemporaryFolder,
    onBytes?: (bytes: number) => void,
  ): Promise<{ path: string; shown: string }> {
    const opened = await this.openFile(file, temporary);
    const { signal } = this.#keys;
    const sha256 = await hashFile(opened.path, { signal, ...(onBytes && { onBytes }) });
    if (sha256 !== file.sha256) throw differs(`${opened.shown} differs from the manifest`);
    return opened;
  }

  /** Returns the path of a file's plain bytes, in `temporary` if it is sealed. Errors: `file` if it is not in the folder, those of `unsealFile`. */
  async openFile(
    { key }: { key: string },
    temporary: TemporaryFolder,
  ): Promise<{ path: string; shown: string }> {
    const name = nameOf({ key });
    const plain = join(this.#folder, name);
    const shown = existsSync(plain) ? plain : `${plain}.age`;
    if (!existsSync(shown)) {
      throw new CliError("file", `${plain} does not exist, and neither does ${shown}`, {
        exitCode: EXIT.failed,
        hint: "Get the file from the destination: it is in the folder of manifest.json.",
      });
    }
    return { path: await unsealFile(shown, { shown, temporary, ...this.#keys }), shown };
  }
}

/** Reports whether a folder has the manifest of a fleet. */
export async function isFleetCopy(folder: string): Promise<boolean> {
  try {
    const manifest: unknown = JSON.parse(await readFile(manifestOf(folder), "utf8"));
    return typeof manifest === "object" && manifest !== null && "fleetId" in manifest;
  } catch {
    return false;
  }
}

/** Returns the end of the names of a pack's members, such as `.sql.gz`. */
export function suffixOf(pack: CopiedPack): string {
  const name = nameOf(pack);
  return name.slice(name.indexOf("."));
}

/** Returns the error of bytes that the manifest or the index describes otherwise. */
export function differs(message: string): CliError {
  return new CliError("checksum-mismatch", message, {
    exitCode: EXIT.failed,
    hint: "Get the file again from the destination.",
  });
}

function manifestOf(folder: string): string {
  return join(folder, ZIP_MANIFEST);
}

/** A copy has the names of the deployment's store. */
function nameOf({ key }: { key: string }): string {
  return key.slice(key.lastIndexOf("/") + 1);
}

function parse<Schema extends v.GenericSchema>(
  schema: Schema,
  text: string,
  path: string,
): v.InferOutput<Schema> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = v.safeParse(schema, value);
  if (parsed.success) return parsed.output;
  throw new CliError("manifest-invalid", `${path} is not that of a copy of a fleet`, {
    exitCode: EXIT.failed,
    hint: "Name the folder of a fleet's copy. A newer version of this program may read it.",
  });
}
