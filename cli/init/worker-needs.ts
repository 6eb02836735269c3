import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

import type { BackupPlan } from "./backup-plan.ts";
import { docsUrl } from "../../src/api/docs-url.ts";

/** The first compatibility date at which Workers have Node's modules without a flag. */
const NODE_MODULES_DATE = "2026-08-04";

/** Returns what a configured Worker still needs and `init` does not write, as sentences. */
export function describeNeeds(
  config: Readonly<Record<string, unknown>>,
  { folder, plan }: { folder: string; plan: BackupPlan },
): string[] {
  const needs: string[] = [];
  const { main, env, compatibility_date: date, compatibility_flags: flags } = config;
  if (typeof main === "string") needs.push(...describeMain(join(folder, main), main, plan));
  if (typeof env === "object" && env !== null && Object.keys(env).length > 0) {
    const names = Object.keys(env).map((name) => `env.${name}`);
    needs.push(
      `${names.join(", ")}: named environments inherit no bindings. Add them there by hand.`,
    );
  }
  const hasFlag = Array.isArray(flags) && flags.includes("nodejs_compat");
  if (typeof date === "string" && date < NODE_MODULES_DATE && !hasFlag) {
    needs.push(
      `Set compatibility_date to ${NODE_MODULES_DATE} or later, or add the flag nodejs_compat.`,
    );
  }
  if (plan.schedule !== undefined) {
    const left = plan.sources.filter(({ schedule }) => schedule === undefined);
    for (const { name } of left) {
      const entry = { source: name, name: "<object>", cron: plan.schedule, compression: "gzip" };
      needs.push(
        `The schedule exports nothing of ${name} until you add an entry for each object to EXPORT_SCHEDULE: ${JSON.stringify(entry)}`,
      );
    }
  }
  for (const { object, config: source } of plan.sources) {
    if (object === undefined || !("names" in source)) continue;
    needs.push(
      `Class ${object.class_name} must extend withExport(DurableObject), or its exports fail: ${docsUrl("durable-objects.md")}`,
    );
  }
  return needs;
}

/** Returns what the main file lacks: classes, and unless it is a whole backup Worker, its routes and schedule. */
function describeMain(path: string, main: string, { schedule, sources }: BackupPlan): string[] {
  const text = readOrEmpty(path);
  if (/export \* from ["']durable-export\/worker["']/.test(text)) return [];
  const isWorker = text.includes("durable-export/worker");
  const isEmbedded = sources.some((source) => source.isEmbedded === true);
  const classes = ["ExportJobs", "ExportWorkflow", "ScratchDatabase"]
    .concat(isEmbedded ? ["Database"] : [])
    .filter((name) => !isWorker || !text.includes(name));
  if (isWorker) return classes.length === 0 ? [] : [`${main} must export ${classes.join(", ")}.`];
  const scheduled = schedule === undefined ? "" : ", and call startScheduledExports in `scheduled`";
  return [
    `${main} must export ${classes.join(", ")} and mount the routes${scheduled}: ${docsUrl("library.md")}`,
  ];
}

/** True if the package is installed in a folder, or in one that contains it. */
export function isInstalled(folder: string): boolean {
  if (existsSync(join(folder, "node_modules", "durable-export", "package.json"))) return true;
  const parent = dirname(folder);
  return parent !== folder && isInstalled(parent);
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
