import { gzipSync, zstdCompressSync } from "node:zlib";

import type { Compression } from "../../src/api/export-request.ts";
import type { ManifestV2 } from "../../src/api/manifest.ts";
import type { Source } from "../../src/databases/source.ts";
import { inflate } from "../../src/loading/inflate.ts";
import { loadScript } from "../../src/loading/load-script.ts";
import { planLoad } from "../../src/loading/plan-load.ts";
import { scanScript } from "../../src/loading/scan-script.ts";
import { closeTarget, listTargetTables, openTarget } from "../../src/loading/target.ts";
import { LOAD_START } from "../../src/rpc/load-plan.ts";
import { COMPARE_START, comparePieces } from "../../src/workflows/restore/compare-pieces.ts";
import type { Difference } from "../../src/workflows/restore/difference.ts";
import { planSecondDump } from "../../src/workflows/restore/plan-second-dump.ts";
import { dumpWithManifest } from "./make-manifest.ts";

/** How a dump reaches a target. */
export interface PlatformRestore {
  compression: Compression;
  /** Bytes of text that one call loads. */
  textBytesMax: number;
}

/** What a restore job records of a target, without its jobs database. */
export interface PlatformRestored {
  dump: Uint8Array;
  difference: Difference | null;
  /** Pieces that were compared. */
  pieces: number;
}

const RESTORE_ID = "22222222-2222-4222-8222-222222222222";

/** Dumps a database, restores the dump into a target as a restore job does, and compares it piece by piece. */
export async function restoreOnSource(
  source: Source,
  target: Source,
  { compression, textBytesMax }: PlatformRestore,
): Promise<PlatformRestored> {
  const { bytes: dump, manifest } = await dumpWithManifest(source, { cuts: [100, 2_000, 20_000] });
  const file = compress(dump, compression);
  const read = async function* (from: number): AsyncGenerator<Uint8Array> {
    let discard = from;
    for await (const text of inflate(cut(file), compression)) {
      if (discard < text.length) yield text.subarray(discard);
      discard = Math.max(0, discard - text.length);
    }
  };
  const scanned = await scanScript(read(0));
  const plan = planLoad(scanned, await listTargetTables(target));
  await openTarget(target, RESTORE_ID);
  for (let isDone = false, position = LOAD_START; !isDone;) {
    ({ isDone, position } = await loadScript({
      target: { source: target, restoreId: RESTORE_ID },
      plan,
      end: scanned.end,
      read: (place) => read(place.textBytes),
      textBytesMax: Math.max(textBytesMax, position.textBytes / 4),
      beat: async () => {},
    }));
  }
  const compared = await compareWhole(target, manifest, plan.places);
  await closeTarget(target, RESTORE_ID, null);
  return { dump, ...compared };
}

async function compareWhole(
  target: Source,
  manifest: ManifestV2,
  places: Parameters<typeof planSecondDump>[1]["places"],
): Promise<{ difference: Difference | null; pieces: number }> {
  let pieces = 0;
  for (let from = COMPARE_START; ;) {
    const compared = await comparePieces(target, {
      manifest,
      artifact: 0,
      planDump: await planSecondDump(target, { manifest, places }),
      from,
      textBytesMax: 10_000,
      beat: async () => {},
    });
    pieces += compared.pieces;
    if (compared.next === null) return { difference: compared.difference, pieces };
    from = compared.next;
  }
}

function compress(bytes: Uint8Array, compression: Compression): Uint8Array {
  if (compression === "gzip") return gzipSync(bytes);
  return compression === "zstd" ? zstdCompressSync(bytes) : bytes;
}

async function* cut(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 50_000) yield bytes.subarray(at, at + 50_000);
}
