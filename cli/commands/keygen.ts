import { existsSync } from "node:fs";

import type { Command } from "commander";

import { generateSigningKeys } from "../../src/sealing/signature.ts";
import { usageError } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { writeWhole } from "../output-place.ts";

/** `keygen`: makes the key pair that signs manifests. Calls no Worker. */
export function addKeygen(program: Command, open: (command: Command) => Context): void {
  program
    .command("keygen")
    .description("make a key pair that signs manifests; prints the private key")
    .option("-o, --output <file>", "the new file for the public key", "durable-export.pub")
    .action(async ({ output }: { output: string }, self: Command) => {
      const { terminal } = open(self);
      if (existsSync(output)) {
        throw usageError(`${output} already exists`, "Name a new file with -o.");
      }
      const { privateKey, publicKey } = await generateSigningKeys();
      await writeWhole(output, publicKey);
      terminal.print(privateKey);
      terminal.note(`${output}: the public key, for \`verify --public-key\``);
      terminal.note("Set the private key above with `npx wrangler secret put EXPORT_SIGNING_KEY`.");
      terminal.printJson({ privateKey, publicKey, path: output });
    });
}
