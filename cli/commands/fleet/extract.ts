import type { Command } from "commander";

import { usageError } from "../../cli-error.ts";
import type { Context } from "../../context.ts";
import { extractMembers } from "../../extract-members.ts";
import { formatBytes, formatNumberOf } from "../../format.ts";

interface ExtractOptions {
  objectName?: string;
  objectId?: string;
  identity?: string;
  publicKey?: string;
  output: string;
}

/** `fleet extract`: takes dumps out of a copy of a fleet. Calls no Worker. */
export function addFleetExtract(fleet: Command, open: (command: Command) => Context): void {
  fleet
    .command("extract")
    .description(
      "take the dump of one object, or of all, out of a copy of a fleet; needs no Worker",
    )
    .argument("<folder>", "the folder with the copy: manifest.json, the packs and their indexes")
    .option("--object-name <name>", "the object with this name; default: all objects")
    .option("--object-id <id>", "the object with this id, if the fleet names objects by ids")
    .option("--identity <file>", "the private key of age that opens the files")
    .option("--public-key <file>", "require that its owner has signed the manifest")
    .requiredOption(
      "-o, --output <path>",
      "file, or folder (ends with /); a folder for all objects",
    )
    .action(async (folder: string, options: ExtractOptions, self: Command) => {
      const { terminal, host } = open(self);
      const { objectName, objectId, identity, publicKey, output } = options;
      if (objectName !== undefined && objectId !== undefined) {
        throw usageError("--object-name and --object-id cannot be combined");
      }
      const members = await extractMembers({
        folder,
        member: objectName ?? objectId,
        output,
        identityFile: identity,
        publicKeyFile: publicKey,
        terminal,
        signal: host.interrupt,
      });
      const bytes = members.reduce((sum, each) => sum + each.bytes, 0);
      const rows = members.reduce((sum, each) => sum + each.rows, 0);
      const [first] = members;
      const where = members.length === 1 && first !== undefined ? first.path : output;
      terminal.finish(
        `${where}: ${formatNumberOf(members.length, "object")}, ${formatNumberOf(rows, "row")}, ${formatBytes(bytes)}, SHA-256 verified`,
        where,
      );
      terminal.printJson({ members });
    });
}
