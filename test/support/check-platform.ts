import { comparisonOf } from "./check-exactness.ts";
import { compareDatabases } from "./compare-databases.ts";
import type { WholeDump } from "./dump-database.ts";
import type { Platform } from "./platform.ts";
import { statementsOf } from "./restore-dump.ts";

/**
 * Builds a Durable Object, dumps it within the runtime, restores the dump into another and, if `d1`
 * is set, into D1, and returns the differences between their files, in sentences. A dump of each
 * restored database must have the same bytes.
 */
export async function checkPlatform(
  platform: Platform,
  input: { name: string; script: string[]; seed: number; d1: boolean },
): Promise<{
  differences: string[];
  dump: WholeDump;
  refused: { statement: string; message: string }[];
}> {
  const { name, script, seed } = input;
  const { id, refused } = await platform.buildObject(name, script);
  const dump = await platform.dumpObject(name);
  const differences: string[] = [];
  const cut = await platform.dumpObject(name, seed);
  if (Buffer.compare(dump.bytes, cut.bytes) !== 0) {
    differences.push(`a dump cut by seed ${seed} has other bytes`);
  }
  const source = platform.openObject(id);
  const statements = statementsOf(dump.bytes);

  const restored = await platform.restoreObject(`${name} restored`, statements);
  const again = await platform.dumpObject(`${name} restored`);
  if (Buffer.compare(dump.bytes, again.bytes) !== 0) {
    differences.push("the restored object's dump has other bytes");
  }
  const object = platform.openObject(restored.id);
  differences.push(...compareDatabases(source, object, comparisonOf(dump)));
  object.close();
  if (input.d1) {
    const { binding, file } = await platform.restoreD1(statements);
    differences.push(
      ...compareDatabases(source, file, comparisonOf(dump)).map((each) => `in D1: ${each}`),
    );
    file.close();
    const ofD1 = await platform.dumpD1(binding, seed);
    if (Buffer.compare(dump.bytes, ofD1.bytes) !== 0) {
      differences.push(`in D1: a dump cut by seed ${seed} has other bytes`);
    }
  }
  source.close();
  return { differences, dump, refused };
}
