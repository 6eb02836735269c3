import type { Command } from "commander";

import { MEMBER_STATES } from "../../src/api/fleet-view.ts";
import { usageError } from "../cli-error.ts";
import { collectPages, LIST_MAX } from "../collect-pages.ts";
import { type Context, parseCount } from "../context.ts";
import { describeCopy } from "../describe-copy.ts";
import { downloadMember } from "../download-member.ts";
import type { Fleet, Member } from "../fleet-answers.ts";
import { FleetClient, type MemberChoice } from "../fleet-client.ts";
import { formatBytes, formatCount, formatNumberOf, oneLine } from "../format.ts";
import { parseJobId } from "../job-id.ts";
import { optionOf } from "../option-of.ts";
import { describeMasked } from "../parse-masks.ts";
import { addFleetDump, describeFailure } from "./fleet/dump.ts";
import { addFleetExtract } from "./fleet/extract.ts";
import { addFleetList } from "./fleet/list.ts";

/** `fleet`: backs up many objects of a class, and finds their dumps. */
export function addFleet(program: Command, open: (command: Command) => Context): void {
  const fleet = program
    .command("fleet")
    .description("back up every object of a class, and download the dump of one");
  addFleetDump(fleet, open);
  addStatus(fleet, open);
  addFleetList(fleet, open);
  addMembers(fleet, open);
  addDownload(fleet, open);
  addFleetExtract(fleet, open);
}

function addStatus(fleet: Command, open: (command: Command) => Context): void {
  fleet
    .command("status")
    .description("show the current state of a fleet, and its failures")
    .argument("<fleet>", "the fleet's id", parseJobId)
    .action(async (fleetId: string, _options: object, self: Command) => {
      const { terminal, client } = open(self);
      const found = await new FleetClient(client()).get(fleetId);
      terminal.print(describeStatus(found));
      terminal.printJson(found);
    });
}

function addMembers(fleet: Command, open: (command: Command) => Context): void {
  fleet
    .command("members")
    .description("list the objects of a fleet, by name")
    .argument("<fleet>", "the fleet's id", parseJobId)
    .option("--prefix <text>", "list only objects whose name begins with this")
    .addOption(optionOf("--status <status>", "list only objects with this status", MEMBER_STATES))
    .option("--limit <count>", "list at most this many objects", "100")
    .action(
      async (
        fleetId: string,
        options: { prefix?: string; status?: string; limit: string },
        self: Command,
      ) => {
        const { terminal, client } = open(self);
        const { prefix, status } = options;
        const fleets = new FleetClient(client());
        const found = await collectPages(
          async (page) => {
            const given = { prefix, status, ...page };
            const { members: items, cursor } = await fleets.listMembers(fleetId, given);
            return { items, cursor };
          },
          parseCount(options.limit, "--limit", 1, LIST_MAX),
        );
        terminal.print(found.length === 0 ? "no objects" : found.map(describeMember).join("\n"));
        terminal.printJson({ members: found });
      },
    );
}

function addDownload(fleet: Command, open: (command: Command) => Context): void {
  fleet
    .command("download")
    .description("download and verify the dump of one object of a fleet; resumes a partial file")
    .argument("<fleet>", "the fleet's id", parseJobId)
    .option("--object-name <name>", "the object with this name")
    .option("--object-id <id>", "the object with this id, if the fleet names objects by ids")
    .option(
      "-o, --output <path>",
      "file, folder (ends with /), SQLite file (.sqlite), or - for stdout",
    )
    .action(
      async (
        fleetId: string,
        options: { objectName?: string; objectId?: string; output?: string },
        self: Command,
      ) => {
        const { terminal, host, client } = open(self);
        if (options.output === "-" && terminal.mode === "json") {
          throw usageError("--json and -o - both write to standard output");
        }
        const member = chooseMember(options);
        const done = await downloadMember({
          api: client(),
          terminal,
          host,
          fleetId,
          member,
          output: options.output,
        });
        const where = done.path ?? "standard output";
        const proof = done.sha256 === null ? "SQLite's integrity check passed" : "SHA-256 verified";
        terminal.finish(`${where}: ${formatBytes(done.bytes)}, ${proof}`, done.path ?? "");
        terminal.printJson(done);
      },
    );
}

/** Returns the object that exactly one of the options names. */
function chooseMember({
  objectName: name,
  objectId: id,
}: {
  objectName?: string;
  objectId?: string;
}): MemberChoice {
  if (name !== undefined && id === undefined) return { name };
  if (id !== undefined && name === undefined) return { id };
  throw usageError("name one object with --object-name, or with --object-id");
}

function describeStatus(fleet: Fleet): string {
  const { members, progress, masked, copies, error } = fleet;
  const percent = progress.percent === null ? "" : ` (${Math.floor(progress.percent)}%)`;
  const lines: [name: string, value: string | null][] = [
    ["fleet", fleet.fleetId],
    ["status", `${fleet.status}${fleet.status === "running" ? percent : ""}`],
    ["source", oneLine(fleet.source)],
    ["created", fleet.createdAt],
    [fleet.status === "completed" ? "completed" : "ended", fleet.completedAt],
    ["expires", fleet.expiresAt],
    ["objects", members.total === null ? null : formatCount(members.total)],
    ["packed", formatCount(members.packed)],
    ["exported", formatCount(members.exported)],
    ["empty", formatCount(members.empty)],
    ["failed", formatCount(members.failed)],
    ["masked", masked.length === 0 ? null : oneLine(describeMasked(masked))],
    ["rows", formatCount(progress.rows)],
    ["bytes", formatBytes(progress.bytes)],
    ...copies.map((copy): [string, string] => ["copy", describeCopy(copy)]),
    ["error", error === null ? null : oneLine(`${error.code}: ${error.message}`)],
    ...fleet.warnings.map((warning): [string, string] => ["warning", oneLine(warning)]),
    ...fleet.failures.map((failure): [string, string] => ["failure", describeFailure(failure)]),
  ];
  return lines
    .filter((line): line is [string, string] => line[1] !== null)
    .map(([name, value]) => `${name.padEnd(11)} ${value}`)
    .join("\n");
}

function describeMember({ member, status, rows, bytes, jobId, error }: Member): string {
  const details = [
    ...(rows === null ? [] : [formatNumberOf(rows, "row")]),
    ...(bytes === null ? [] : [formatBytes(bytes)]),
    ...(jobId === null ? [] : [`export ${jobId}`]),
    ...(error === null ? [] : [`${error.code}: ${error.message}`]),
  ];
  return oneLine(`${status.padEnd(8)}  ${JSON.stringify(member)}  ${details.join(", ")}`.trimEnd());
}
