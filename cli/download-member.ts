import { dirname, join } from "node:path";

import type { ApiClient } from "./api-client.ts";
import { downloadFile } from "./download-file.ts";
import { downloadStream } from "./download-stream.ts";
import { FleetClient, type MemberChoice } from "./fleet-client.ts";
import type { Host } from "./host.ts";
import { isSqliteName, makeFolder, openDevice } from "./output-place.ts";
import { findFileKind } from "./partial-file.ts";
import { artifactProof } from "./proof.ts";
import { dumpPathOf, makeSqliteFile, requireSqliteOutput } from "./sqlite-output.ts";
import type { Terminal } from "./terminal.ts";

/** The downloaded dump of a member. */
export interface DownloadedMember {
  /** Null for standard output. */
  path: string | null;
  bytes: number;
  /** Of the dump; null if the file is an SQLite file made from it. */
  sha256: string | null;
}

/**
 * Downloads the dump of one member of a fleet and compares it with its SHA-256. A partial file is resumed. `output` is a
 * file, a folder, `-`, or undefined for the Worker's name of the file. If its name says so, the dump becomes an SQLite
 * file. Errors: `member-not-found`, those of `downloadFile`, `requireSqliteOutput` and `makeSqliteFile`.
 */
export async function downloadMember({
  api,
  terminal,
  host,
  fleetId,
  member,
  output,
}: {
  api: ApiClient;
  terminal: Terminal;
  host: Pick<Host, "stdout" | "interrupt">;
  fleetId: string;
  member: MemberChoice;
  output: string | undefined;
}): Promise<DownloadedMember> {
  const fleets = new FleetClient(api);
  const { file, sha256 } = await fleets.findFile(fleetId, member);
  const shared = { client: api, terminal, jobId: fleetId, file };
  const newProof = () => artifactProof({ sha256 });
  const { bytes } = file;
  const kind = output === undefined || output === "-" ? undefined : await findFileKind(output);
  if (output === "-" || (kind === "device" && output !== undefined)) {
    const isStdout = output === "-";
    const stream = isStdout ? host.stdout : openDevice(output);
    const name = isStdout ? "standard output" : output;
    await downloadStream({ ...shared, proof: newProof(), stream, name });
    return { path: isStdout ? null : output, bytes, sha256 };
  }
  const isFolder = kind === "folder" || (output !== undefined && /[/\\]$/.test(output));
  const path = output === undefined ? file.name : isFolder ? join(output, file.name) : output;
  await makeFolder(dirname(path));
  if (output !== undefined && !isFolder && isSqliteName(output)) {
    const { content, compression } = await fleets.get(fleetId);
    await requireSqliteOutput(path, { content, compression });
    await downloadFile({ ...shared, newProof, path: dumpPathOf(path) });
    // A pack lists no rows by table. The dump of a large member may be live, so an index that differs is a warning.
    const promised = { tables: [], consistency: "live" };
    const size = await makeSqliteFile(path, promised, { terminal, signal: host.interrupt });
    return { path, bytes: size, sha256: null };
  }
  await downloadFile({ ...shared, newProof, path });
  return { path, bytes, sha256 };
}
