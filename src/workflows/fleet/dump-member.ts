import type { JobRequest } from "../../api/export-request.ts";
import type { Source } from "../../databases/source.ts";
import { planDump } from "../../formats/plan-dump.ts";
import { readDumpPlan } from "../../reading/planned-dump.ts";
import { readInOneTurn } from "../../reading/read-in-one-turn.ts";
import { readSourceWarnings } from "../../reading/source-warnings.ts";
import type { Catalog } from "../../sqlite/catalog.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { Compressor } from "../../storage/writer/compressor.ts";

/** What a fleet writes of each of its members. */
export type MemberRequest = Pick<
  JobRequest,
  "source" | "compression" | "content" | "tables" | "mask"
>;

/** The dump of a member, or why it has none. */
export type MemberDump =
  /** The database has no tables, views or key-value entries. */
  | { kind: "empty"; rowsRead: number }
  /** It does not fit into one turn: an export job must read it. */
  | { kind: "large"; rowsRead: number }
  | {
      kind: "small";
      /** The whole file, compressed as the request says. */
      file: Uint8Array;
      rows: number;
      /** The instant that the dump shows, by the source's own clock. */
      atMs: number;
      warnings: string[];
      rowsRead: number;
    };

/**
 * Dumps a small database as one SQL script, from one turn of it: nothing is created in the database, and no job is
 * needed. The bytes are those that an export job writes. Errors: `table-not-found`, `mask-invalid`, and the source's own.
 */
export async function dumpMember(
  source: Source,
  request: MemberRequest,
  bytesMax: number,
): Promise<MemberDump> {
  const { content } = request;
  const planned = await readDumpPlan(source, (catalog) => {
    // The names of tables and masked columns are wrong only for a database that has tables.
    const { tables: _, mask: __, ...whole } = request;
    return planDump({ ...(isEmpty(catalog, content) ? whole : request), format: "sql" }, catalog);
  });
  const { plan } = planned;
  if (isEmpty(planned.catalog, content)) return { kind: "empty", rowsRead: 0 };
  const dump = await readInOneTurn(source, { ...planned, bytesMax });
  if (dump === undefined) return { kind: "large", rowsRead: 0 };
  const { pieces, atMs, rowsRead } = dump;
  const compressor = new Compressor(request.compression);
  const files: Uint8Array[] = [];
  let textBytes = 0;
  for (const { bytes } of pieces) {
    textBytes += bytes.byteLength;
    files.push(...(await compressor.push(bytes)));
  }
  files.push(...(await compressor.flush()));
  if (textBytes === 0) files.push(...(await compressor.emptyFile()));
  const warnings = [
    ...plan.warnings,
    ...pieces.flatMap((piece) => piece.warnings),
    ...(await readSourceWarnings(source, plan, { isFrozen: true })),
  ];
  return {
    kind: "small",
    file: concatBytes(files),
    rows: pieces.reduce((sum, piece) => sum + piece.rows, 0),
    atMs,
    warnings: [...new Set(warnings)],
    rowsRead,
  };
}

/** Entries that the class cannot export are no reason to report nothing: the dump has a warning. */
function isEmpty(
  { tables, views, keyValues }: Catalog,
  content: MemberRequest["content"],
): boolean {
  const hasEntries = content !== "schema" && keyValues !== undefined;
  return tables.length === 0 && views.length === 0 && !hasEntries;
}
