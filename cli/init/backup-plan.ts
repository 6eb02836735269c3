import type { SourceConfig } from "../../src/api/source-config.ts";
import { usageError } from "../cli-error.ts";

/** A class of Durable Objects, as `wrangler.jsonc` binds it. */
export interface ObjectBinding {
  name: string;
  class_name: string;
  /** The Worker that exports the class; undefined: the configured Worker itself. */
  script_name?: string;
}

/** A D1 database, as `wrangler.jsonc` binds it. */
export interface D1Binding {
  binding: string;
  database_name: string;
  database_id: string;
}

/** A database to back up. */
export interface PlannedSource {
  /** Its name in `EXPORT_SOURCES`. */
  name: string;
  config: SourceConfig;
  object?: ObjectBinding;
  d1?: D1Binding;
  /** The entry of a schedule, without the source's name; undefined if each request must name an object. */
  schedule?: { compression: string; tables?: { exclude: string[] } };
  /** The configured Worker's own class, which a new Worker exports. */
  isEmbedded?: boolean;
}

/** What a Worker will back up, where to, and when. */
export interface BackupPlan {
  sources: PlannedSource[];
  bucket: string;
  /** A cron expression; undefined if exports start only on request. */
  schedule: string | undefined;
}

const NIGHTLY = { compression: "gzip" };

/** The name of the embedded database's object, which is also StarbaseDB's. */
const DATABASE = {
  type: "durable-object",
  binding: "DATABASE_DURABLE_OBJECT",
  name: "sql-durable-object",
} as const;

/** Plans a backup of the Worker's own database, which `POST /query` reaches. */
export function planEmbedded(): PlannedSource {
  return {
    name: "main",
    config: DATABASE,
    object: { name: DATABASE.binding, class_name: "Database" },
    schedule: NIGHTLY,
    isEmbedded: true,
  };
}

/** Plans a backup of the StarbaseDB Worker `script`. Scheduled exports leave out its cache. */
export function planStarbasedb(script: string): PlannedSource {
  const script_name = checkWorkerName(script.trim(), "--starbasedb");
  return {
    name: script_name,
    config: DATABASE,
    object: { name: DATABASE.binding, class_name: "StarbaseDBDurableObject", script_name },
    schedule: { ...NIGHTLY, tables: { exclude: ["tmp_cache"] } },
  };
}

/** Plans a backup of a D1 database, from `NAME:ID`. */
export function planD1(text: string): PlannedSource {
  const [, name, id] = /^([\w.-]{1,100}):([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(
    text.trim(),
  ) ?? [undefined, undefined, undefined];
  if (name === undefined || id === undefined) {
    throw usageError(
      `${JSON.stringify(text)} is not NAME:ID of a D1 database`,
      "`npx wrangler d1 list` prints names and ids.",
    );
  }
  const words = name.replaceAll(/[^A-Za-z0-9]+/g, "_").toUpperCase();
  const binding = `${/^\d/.test(words) ? "_" : ""}${words}${/(?:^|_)DB$/.test(words) ? "" : "_DB"}`;
  return {
    name,
    config: { type: "d1", binding },
    d1: { binding, database_name: name, database_id: id.toLowerCase() },
    schedule: NIGHTLY,
  };
}

/**
 * Plans backups of any object of a class, from `BINDING=Class` (of the configured Worker) or `BINDING=Class@script`
 * (of another).
 */
export function planDurableObject(text: string): PlannedSource {
  const [, name, class_name, script] =
    /^([A-Za-z_$][\w$]{0,99})=([A-Za-z_$][\w$]*)(?:@(.+))?$/.exec(text.trim()) ?? [];
  if (name === undefined || class_name === undefined) {
    throw usageError(
      `${JSON.stringify(text)} is not BINDING=Class or BINDING=Class@script`,
      "Name the binding, the class, and the Worker that exports it, such as TENANT=Tenant@my-app.",
    );
  }
  const script_name = script === undefined ? {} : { script_name: checkWorkerName(script, text) };
  return {
    name: name.toLowerCase().replaceAll("_", "-"),
    config: { type: "durable-object", binding: name, names: "any" },
    object: { name, class_name, ...script_name },
  };
}

/** Throws a usage error if there is no source, or if two sources have the same name or binding. */
export function checkSources(sources: readonly PlannedSource[]): void {
  if (sources.length === 0) {
    throw usageError(
      "no database to back up was given",
      "Give --d1 NAME:ID, --starbasedb SCRIPT, --durable-object BINDING=Class@script or --embedded.",
    );
  }
  for (const [at, { name, config }] of sources.entries()) {
    const other = sources.slice(0, at).find((each) => {
      return each.name === name || each.config.binding === config.binding;
    });
    if (other === undefined) continue;
    throw usageError(
      `the sources ${JSON.stringify(other.name)} and ${JSON.stringify(name)} need the same name or binding`,
      "Configure one of them, and add the other to wrangler.jsonc by hand.",
    );
  }
}

/** Returns a Worker's name. Throws a usage error if Cloudflare does not allow it. */
export function checkWorkerName(name: string, option: string): string {
  if (/^[a-z0-9_][a-z0-9_-]{0,62}$/.test(name)) return name;
  throw usageError(
    `${option}: ${JSON.stringify(name)} is not a Worker's name`,
    "It has at most 63 small letters, digits, `-` and `_`.",
  );
}

/** Returns a bucket's name. Throws a usage error if R2 does not allow it. */
export function checkBucket(name: string): string {
  if (/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name)) return name;
  throw usageError(
    `${JSON.stringify(name)} is not a bucket's name`,
    "It has 3 to 63 small letters, digits and `-`, and starts and ends with a letter or digit.",
  );
}

/** Returns a cron expression. Throws a usage error if it does not have five fields. */
export function checkSchedule(text: string): string {
  const fields = text.trim().split(/\s+/);
  if (fields.length === 5 && fields.every((field) => /^[\w*/,#-]+$/.test(field))) {
    return fields.join(" ");
  }
  throw usageError(
    `${JSON.stringify(text)} is not a cron expression`,
    'It has five fields, in UTC: "17 3 * * *" is every night at 03:17.',
  );
}
