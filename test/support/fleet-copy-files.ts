import { Buffer } from "node:buffer";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { Encrypter } from "age-encryption";

import { TEST_IDENTITY, TEST_RECIPIENT } from "./age-keys.ts";
import { sha256Of } from "./fake-answers.ts";

const FLEET_ID = "0b1f2c3d-0000-4000-8000-000000000001";

/** The members in the packs of `writeFleetCopy`: two in the first, and one in the second. */
export const MEMBERS = ["acme", "b/c d", "zebra"];

/** Returns the file of a member: one table with one row. */
export function dumpOfMember(member: string): Buffer {
  return gzipSync(`CREATE TABLE t(x);\nINSERT INTO t VALUES ('${member}');\n`);
}

async function write(path: string, bytes: Buffer, isSealed: boolean): Promise<void> {
  if (!isSealed) return writeFileSync(path, bytes);
  const encrypter = new Encrypter();
  encrypter.addRecipient(TEST_RECIPIENT);
  writeFileSync(`${path}.age`, await encrypter.encrypt(new Uint8Array(bytes)));
}

/**
 * Writes a copy of a fleet into a folder, as a destination has it: two packs, an export that is elsewhere, and a failure.
 * `key.txt` opens it if it is sealed.
 */
export async function writeFleetCopy(folder: string, { isSealed = false } = {}): Promise<void> {
  const file = (name: string) => join(folder, name);
  const packs = [];
  for (const [at, members] of [MEMBERS.slice(0, 2), MEMBERS.slice(2)].entries()) {
    const name = `pack-0000${at + 1}-8c1f03aa`;
    const files = members.map(dumpOfMember);
    const pack = Buffer.concat(files);
    let offset = 0;
    const index = {
      version: 1,
      fleetId: FLEET_ID,
      members: members.map((member, number) => {
        const bytes = files[number] ?? Buffer.of();
        offset += bytes.length;
        const place = { offset: offset - bytes.length, bytes: bytes.length };
        return { member, ...place, sha256: sha256Of(bytes), rows: 1 };
      }),
    };
    const indexBytes = Buffer.from(JSON.stringify(index));
    await write(file(`${name}.sql.gz`), pack, isSealed);
    await write(file(`${name}.index.json`), indexBytes, isSealed);
    const describe = (suffix: string, bytes: Buffer) => ({
      key: `exports/${FLEET_ID}/x/${name}${suffix}`,
      bytes: bytes.length,
      sha256: sha256Of(bytes),
    });
    packs.push({
      number: at + 1,
      ...describe(".sql.gz", pack),
      members: members.length,
      first: members[0],
      last: members.at(-1),
      index: describe(".index.json", indexBytes),
    });
  }
  const exports = [
    {
      member: "large",
      jobId: "0b1f2c3d-0000-4000-8000-000000000002",
      copies: [{ destination: "offsite", folder: "tenants/large/2026/", sealed: isSealed }],
    },
  ];
  const failures = [{ member: "lost", code: "source-timeout", message: "it took too long" }];
  const manifest = { version: 1, fleetId: FLEET_ID, namedBy: "name", packs, exports, failures };
  writeFileSync(file("manifest.json"), JSON.stringify(manifest));
  writeFileSync(file("key.txt"), `${TEST_IDENTITY}\n`);
}
