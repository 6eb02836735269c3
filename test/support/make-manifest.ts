import { createHash } from "node:crypto";

import type { ManifestV2 } from "../../src/api/manifest.ts";
import type { TablePatterns } from "../../src/api/export-request.ts";
import { CURSOR_START } from "../../src/rpc/cursor.ts";
import type { Source } from "../../src/databases/source.ts";
import { describeWriter, planDump } from "../../src/formats/plan-dump.ts";
import { concatBytes } from "../../src/lib/bytes.ts";
import { readCatalog } from "../../src/reading/read-catalog.ts";
import { readDump } from "../../src/reading/dump-reader.ts";
import { openLiveReader } from "../../src/reading/table-reader.ts";

/** The SQL dump of `source`, and the manifest that its job would publish if it ended chunks before `cuts`. */
export async function dumpWithManifest(
  source: Source,
  {
    cuts = [],
    tables,
    name = "main",
  }: { cuts?: readonly number[]; tables?: TablePatterns; name?: string } = {},
): Promise<{ bytes: Uint8Array; manifest: ManifestV2 }> {
  const catalog = await readCatalog(source);
  const { encoding, ...writer } = describeWriter(catalog);
  const request = { source: name, content: "all" as const, ...(tables && { tables }) };
  const { plan, createEncoder } = planDump({ ...request, format: "sql" }, catalog);
  const reader = openLiveReader(source);
  const texts: Uint8Array[] = [];
  const counts = new Map(
    plan.tables
      .filter(({ derived }) => derived === undefined)
      .map((table) => [table.name, { rows: 0, bytes: 0 }]),
  );
  for await (const piece of readDump({ reader, plan, createEncoder, cursor: CURSOR_START })) {
    const bytes = concatBytes(piece.bytes);
    texts.push(bytes);
    const table = counts.get(piece.table ?? "");
    if (piece.table === undefined || table === undefined) continue;
    table.rows += piece.rows;
    table.bytes += bytes.byteLength;
  }
  const bytes = concatBytes(texts);
  const sha256 = sha256Of(bytes);
  const manifest: ManifestV2 = {
    version: 2,
    generator: "durable-export 0.0.0",
    jobId: "00000000-0000-0000-0000-000000000000",
    source: name,
    object: null,
    format: "sql",
    compression: "none",
    consistency: "live",
    content: "all",
    snapshotAt: "2026-11-28T00:00:00.000Z",
    completedAt: "2026-11-28T00:00:00.000Z",
    tables: [...counts].map(([table, each]) => ({ name: table, ...each })),
    warnings: plan.warnings,
    encoding,
    request: { ...request, tables: tables ?? null },
    writer,
    artifacts: [
      {
        name: "dump.sql",
        table: null,
        contentType: "application/sql",
        bytes: bytes.byteLength,
        sha256,
        parts: [{ number: 1, bytes: bytes.byteLength }],
        chunks: cutChunks(bytes, cuts),
      },
    ],
  };
  return { bytes, manifest };
}

/** Chunks that end at `cuts`, in any order; two equal ones make an empty chunk. */
function cutChunks(
  bytes: Uint8Array,
  cuts: readonly number[],
): ManifestV2["artifacts"][number]["chunks"] {
  const ends = [...cuts.map((cut) => Math.min(cut, bytes.byteLength)), bytes.byteLength];
  ends.sort((a, b) => a - b);
  return ends.map((end, at) => {
    const text = bytes.subarray(ends[at - 1] ?? 0, end);
    const sha256 = sha256Of(text);
    const { byteLength } = text;
    return { bytes: byteLength, sha256, run: 1, textBytes: byteLength, textSha256: sha256 };
  });
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
