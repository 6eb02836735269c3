import type { Command } from "commander";

import { JOB_STATES } from "../../../src/api/job-state.ts";
import { usageError } from "../../cli-error.ts";
import { collectPages, LIST_MAX } from "../../collect-pages.ts";
import { type Context, parseCount } from "../../context.ts";
import type { Fleet } from "../../fleet-answers.ts";
import { FleetClient } from "../../fleet-client.ts";
import { formatBytes, formatCount, formatNumberOf, formatRecord, oneLine } from "../../format.ts";
import { describeSeries, groupSeries } from "../../list-series.ts";
import { optionOf } from "../../option-of.ts";

const LIST_DEFAULT = 20;

interface ListOptions {
  status?: string;
  limit?: string;
  /** True for all series; a name for those of that name. */
  series?: string | true;
}

/** `fleet list`: prints fleets, newest first, or the fleets of series. */
export function addFleetList(fleet: Command, open: (command: Command) => Context): void {
  fleet
    .command("list")
    .description("list fleets, newest first")
    .addOption(optionOf("--status <status>", "list only fleets with this status", JOB_STATES))
    .option("--series [name]", "list the fleets of series, with what keeps each of them")
    .option("--limit <count>", "list at most this many fleets; default: 20, or all of the series")
    .action(async ({ status, series, limit }: ListOptions, self: Command) => {
      const { terminal, client } = open(self);
      if (series !== undefined && status !== undefined) {
        throw usageError("--series lists completed fleets: leave out --status");
      }
      const fleets = new FleetClient(client());
      const byDefault = series === undefined ? LIST_DEFAULT : LIST_MAX;
      const found = await collectPages(
        async (page) => {
          const asked = { status: series === undefined ? status : "completed", ...page };
          const { fleets: items, cursor } = await fleets.list(asked);
          return { items, cursor };
        },
        parseCount(limit ?? String(byDefault), "--limit", 1, LIST_MAX),
      );
      if (series === undefined) {
        terminal.print(found.length === 0 ? "no fleets" : found.map(describeListed).join("\n"));
        terminal.printJson({ fleets: found });
        return;
      }
      const groups = groupSeries(found, series === true ? undefined : series);
      const texts = groups.map((each) => describeSeries(each, ({ fleetId }) => fleetId));
      terminal.print(texts.length === 0 ? "no series" : texts.join("\n\n"));
      terminal.printJson({
        series: groups.map((each) => ({
          source: each.source,
          series: each.series,
          policy: each.policy,
          fleets: each.jobs,
        })),
      });
    });
}

function describeListed(fleet: Fleet): string {
  const { members, progress } = fleet;
  const created = fleet.createdAt.replace(/\.\d+Z$/, "Z");
  return formatRecord(`${fleet.fleetId}  ${fleet.status.padEnd(9)}  created ${created}`, [
    oneLine(fleet.source),
    formatNumberOf(members.packed + members.exported, "object"),
    ...(members.failed === 0 ? [] : [`${formatCount(members.failed)} failed`]),
    formatBytes(progress.bytes),
  ]);
}
