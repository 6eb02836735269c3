import * as v from "valibot";

import { DEFAULT_SOURCES } from "../../src/api/source-config.ts";
import { usageError } from "../cli-error.ts";
import type { BackupPlan, ObjectBinding, PlannedSource } from "./backup-plan.ts";
import type { JsoncFile } from "./jsonc-file.ts";
import { BUCKET, JOBS, SCRATCH, WORKFLOW } from "./needed-bindings.ts";
import { docsUrl } from "../../src/api/docs-url.ts";

const Names = v.optional(v.array(v.string()), []);

/** The part of an existing configuration that `init` reads; wrangler checks the rest. */
const ConfigSchema = v.looseObject({
  name: v.optional(v.string()),
  workflows: v.optional(v.array(v.looseObject({ binding: v.string() })), []),
  durable_objects: v.optional(
    v.looseObject({
      bindings: v.optional(
        v.array(
          v.looseObject({
            name: v.string(),
            class_name: v.string(),
            script_name: v.optional(v.string()),
          }),
        ),
        [],
      ),
    }),
    {},
  ),
  migrations: v.optional(
    v.array(
      v.looseObject({
        tag: v.string(),
        new_classes: Names,
        new_sqlite_classes: Names,
        renamed_classes: v.optional(v.array(v.looseObject({ to: v.string() })), []),
        transferred_classes: v.optional(v.array(v.looseObject({ to: v.string() })), []),
      }),
    ),
    [],
  ),
  r2_buckets: v.optional(
    v.array(v.looseObject({ binding: v.string(), bucket_name: v.optional(v.string()) })),
    [],
  ),
  d1_databases: v.optional(
    v.array(v.looseObject({ binding: v.string(), database_id: v.optional(v.string()) })),
    [],
  ),
  triggers: v.optional(v.looseObject({ crons: Names }), {}),
  vars: v.optional(
    v.looseObject({
      EXPORT_SOURCES: v.optional(v.record(v.string(), v.unknown())),
      EXPORT_SCHEDULE: v.optional(v.array(v.looseObject({ source: v.optional(v.string()) }))),
    }),
    {},
  ),
  limits: v.optional(v.looseObject({ cpu_ms: v.optional(v.number()) })),
});

type Config = v.InferOutput<typeof ConfigSchema>;

/** The limits that a 10 GB database needs: docs/deploy.md describes both. */
const LIMITS = { cpu_ms: 300_000, subrequests: 1_000_000 };

/**
 * Adds everything that a plan needs and the configuration lacks. Returns the paths of what was added. A second run
 * adds nothing. Throws a usage error if a binding of the same name means something else; nothing is replaced.
 */
export function addBackup(file: JsoncFile, plan: BackupPlan, path: string): string[] {
  const added: string[] = [];
  const read = (): Config => readConfig(file, path);
  const append = (place: string[], value: object | string, what: string): void => {
    file.append(place, value);
    added.push(`${place.join(".")}: ${what}`);
  };
  if (!read().workflows.some(({ binding }) => binding === WORKFLOW.binding)) {
    const name = `${read().name ?? "durable-export"}-export`;
    append(["workflows"], { name, ...WORKFLOW }, WORKFLOW.binding);
  }
  keepDefaultSource(read());
  const objects = [JOBS, SCRATCH, ...plan.sources.flatMap(({ object }) => object ?? [])];
  for (const object of objects) {
    if (!hasObject(read(), object, path)) {
      append(["durable_objects", "bindings"], object, object.name);
    }
  }
  const classes = missingClasses(read(), plan, path);
  if (classes.length > 0) {
    const migration = { tag: freeTag(read()), new_sqlite_classes: classes };
    append(["migrations"], migration, classes.join(", "));
  }
  if (!read().r2_buckets.some(({ binding }) => binding === BUCKET)) {
    const bucket = { binding: BUCKET, bucket_name: plan.bucket };
    append(["r2_buckets"], bucket, `${BUCKET}, the bucket ${plan.bucket}`);
  }
  for (const source of plan.sources) addSource(source);
  if (plan.schedule !== undefined) addSchedule(plan.schedule);
  if (read().limits === undefined) {
    file.set(["limits"], LIMITS);
    added.push("limits");
  }
  return added;

  /** A Worker without named sources exports `main`, which it must not lose when sources are named. */
  function keepDefaultSource({ vars, durable_objects: { bindings } }: Config): void {
    const hasJobs = bindings.some(({ name }) => name === JOBS.name);
    const hasDatabase = bindings.some(({ name }) => name === DEFAULT_SOURCES["main"]?.binding);
    if (!hasJobs || !hasDatabase || vars.EXPORT_SOURCES !== undefined) return;
    file.set(["vars", "EXPORT_SOURCES"], { main: DEFAULT_SOURCES["main"] });
    added.push("vars.EXPORT_SOURCES: main, which was the default");
  }

  function addSource({ name, config, d1 }: PlannedSource): void {
    let { binding } = config;
    if (d1 !== undefined) {
      const known = read().d1_databases.find(({ database_id: id }) => id === d1.database_id);
      if (known !== undefined) {
        ({ binding } = known);
      } else {
        requireFree(read(), d1.binding, path);
        append(["d1_databases"], d1, `${d1.binding}, the database ${d1.database_name}`);
      }
    }
    const entry = { ...config, binding };
    const sources = read().vars.EXPORT_SOURCES ?? {};
    if (!Object.hasOwn(sources, name)) {
      file.set(["vars", "EXPORT_SOURCES", name], entry);
      added.push(`vars.EXPORT_SOURCES: ${name}`);
    } else if (JSON.stringify(sources[name]) !== JSON.stringify(entry)) {
      throw conflict(path, `vars.EXPORT_SOURCES.${name} is another source`);
    }
  }

  function addSchedule(cron: string): void {
    if (!read().triggers.crons.includes(cron)) append(["triggers", "crons"], cron, cron);
    for (const { name, schedule } of plan.sources) {
      if (schedule === undefined) continue;
      const entries = read().vars.EXPORT_SCHEDULE ?? [];
      if (entries.some(({ source }) => source === name)) continue;
      append(["vars", "EXPORT_SCHEDULE"], { source: name, cron, ...schedule }, name);
    }
  }
}

function readConfig(file: JsoncFile, path: string): Config {
  const parsed = v.safeParse(ConfigSchema, file.value);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const place = v.getDotPath(issue) ?? "";
  throw usageError(
    `${path}: ${place}: ${issue.message}`,
    place.startsWith("vars.EXPORT_")
      ? "Write it as JSON, not as a string that contains JSON."
      : "`npx wrangler deploy --dry-run` checks the whole file.",
  );
}

/** True if the name binds the class. Throws a usage error if the name binds something else. */
function hasObject(config: Config, object: ObjectBinding, path: string): boolean {
  const known = config.durable_objects.bindings.find(({ name }) => name === object.name);
  if (known === undefined) {
    requireFree(config, object.name, path);
    return false;
  }
  if (known.class_name === object.class_name && known.script_name === object.script_name) {
    return true;
  }
  throw conflict(path, `the binding ${object.name} is the class ${known.class_name}`);
}

function requireFree(config: Config, name: string, path: string): void {
  const names = [
    ...config.durable_objects.bindings.map((each) => each.name),
    ...[...config.d1_databases, ...config.r2_buckets, ...config.workflows].map(
      ({ binding }) => binding,
    ),
  ];
  if (names.includes(name)) throw conflict(path, `the binding ${name} is something else`);
}

/**
 * Returns this project's classes that no migration creates. Throws a usage error for any other class that no
 * migration creates.
 */
function missingClasses(config: Config, plan: BackupPlan, path: string): string[] {
  const made = new Set(
    config.migrations.flatMap((migration) => [
      ...migration.new_sqlite_classes,
      ...[...migration.renamed_classes, ...migration.transferred_classes].map(({ to }) => to),
    ]),
  );
  for (const { object, isEmbedded } of plan.sources) {
    if (object === undefined || object.script_name !== undefined || isEmbedded === true) continue;
    if (made.has(object.class_name)) continue;
    const isKeyValue = config.migrations.some(({ new_classes: names }) =>
      names.includes(object.class_name),
    );
    throw usageError(
      isKeyValue
        ? `${path}: the class ${object.class_name} has no SQLite: a migration lists it in new_classes`
        : `${path}: no migration creates the class ${object.class_name}`,
      isKeyValue
        ? "Only classes of new_sqlite_classes can be exported."
        : `Name the Worker that exports it, as in ${object.name}=${object.class_name}@my-app.`,
    );
  }
  const embedded = plan.sources.some(({ isEmbedded }) => isEmbedded === true) ? ["Database"] : [];
  return [JOBS.class_name, SCRATCH.class_name, ...embedded].filter((name) => !made.has(name));
}

function freeTag({ migrations }: Config): string {
  const tags = migrations.map(({ tag }) => tag);
  if (tags.length === 0) return "v1";
  for (let at = 1; ; at += 1) {
    const tag = `durable-export-v${at}`;
    if (!tags.includes(tag)) return tag;
  }
}

function conflict(path: string, what: string): Error {
  return usageError(
    `${path}: ${what}`,
    `Nothing was changed. Rename it, or write the configuration by hand: ${docsUrl("deploy.md")}`,
  );
}
