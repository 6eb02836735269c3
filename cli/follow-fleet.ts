import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import type { Fleet } from "./fleet-answers.ts";
import { FleetClient } from "./fleet-client.ts";
import { formatBytes, formatCount, formatNumberOf, formatQueued, formatSeconds } from "./format.ts";
import { pollJob } from "./poll-job.ts";
import type { Terminal } from "./terminal.ts";
import { findHint } from "./worker-hints.ts";

/**
 * Polls a fleet until it has ended, and shows its progress. Errors: `timeout` after `timeoutMs` (the fleet continues),
 * `Interrupted`, and those of the client.
 */
export function followFleet(
  api: ApiClient,
  terminal: Terminal,
  { fleetId, timeoutMs }: { fleetId: string; timeoutMs: number | undefined },
): Promise<Fleet> {
  const client = new FleetClient(api);
  return pollJob(terminal, {
    label: "backing up",
    name: `fleet ${fleetId}`,
    jobId: fleetId,
    look: () => client.get(fleetId),
    describe: (fleet) => ({ percent: fleet.progress.percent, parts: describeProgress(fleet) }),
    timeoutMs,
    signal: api.signal,
    statusCommand: "fleet status",
  });
}

/** Throws unless the fleet is completed. Errors: the fleet's own code, and exit code 1. */
export function requireFleetCompleted(fleet: Fleet): void {
  const { fleetId, status, error } = fleet;
  if (status === "completed") return;
  if (status === "failed" && error !== null) {
    const { code, message } = error;
    const hint = findHint({ ...error, detail: message, path: "/export/fleet" });
    throw new CliError({ ofWorker: code }, `fleet ${fleetId} failed: ${code}: ${message}`, {
      exitCode: EXIT.failed,
      hint,
    });
  }
  const code = status === "expired" ? "export-expired" : "export-cancelled";
  throw new CliError(code, `fleet ${fleetId} is ${status}`, { exitCode: EXIT.failed });
}

function describeProgress({ status, queuePosition, members, progress }: Fleet): string[] {
  if (status === "queued") return [formatQueued(queuePosition)];
  if (members.total === null || members.pending === null) return ["reading the names"];
  return [
    `${formatCount(members.total - members.pending)} of ${formatNumberOf(members.total, "object")}`,
    formatBytes(progress.bytes),
    formatNumberOf(progress.rows, "row"),
    ...(members.failed === 0 ? [] : [`${formatCount(members.failed)} failed`]),
  ];
}

/** Returns one line about a completed fleet. */
export function describeFleet(fleet: Fleet): string {
  const { fleetId, members, progress, startedAt, createdAt, completedAt } = fleet;
  const seconds =
    completedAt === null
      ? ""
      : ` in ${formatSeconds((Date.parse(completedAt) - Date.parse(startedAt ?? createdAt)) / 1000)}`;
  const counts = [
    formatNumberOf(members.packed + members.exported, "object"),
    ...(members.empty === 0 ? [] : [`${formatCount(members.empty)} empty`]),
    ...(members.failed === 0 ? [] : [`${formatCount(members.failed)} failed`]),
    formatNumberOf(progress.rows, "row"),
    formatBytes(progress.bytes),
  ];
  return `fleet ${fleetId}: ${counts.join(", ")}${seconds}`;
}
