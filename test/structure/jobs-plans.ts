import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";

import { migrate } from "../../src/jobs/migrate.ts";

/** The files whose statements run in the jobs database. */
const PATTERNS = ["src/jobs/**/*.ts", "src/storage/inline/*.ts"];

/** It runs the statements that create the tables, which are texts of a list. */
const MIGRATE = "src/jobs/migrate.ts";

/** A statement of the source, completed. */
export interface Statement {
  file: string;
  sql: string;
}

/**
 * Returns every statement that the jobs object runs. Each must be one literal, completed only by
 * constants of its module: throws if it is not, so no statement escapes.
 */
export async function listStatements(root: string): Promise<Statement[]> {
  const files = globSync(PATTERNS, { cwd: root })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => !file.endsWith(".test.ts") && file !== MIGRATE);
  const found = await Promise.all(
    files.map(async (file) => {
      const path = join(root, file);
      const code = readFileSync(path, "utf8");
      const literals = [...code.matchAll(/\.exec\b/g)].map(({ index }) =>
        readArgument(code.slice(index + ".exec".length), file),
      );
      if (literals.length === 0) return [];
      const scope = await readConstants(path, code);
      return literals.map((literal) => ({ file, sql: evaluate(literal, scope) }));
    }),
  );
  return found.flat();
}

/** Returns the literal that a call's first argument is. `text` begins after the function's name. */
function readArgument(text: string, file: string): string {
  // The type of the rows has no brackets inside.
  const call = /^(?:<[^>]*>)?\(\s*("(?:[^"\\]|\\.)*"|`[^`]*`)\s*[,)]/.exec(text);
  if (call?.[1] === undefined) {
    throw new Error(`${file} runs SQL that is not one literal: ${text.slice(0, 80)}`);
  }
  return call[1];
}

type Scope = Record<string, unknown>;

/** Returns what a module imports, and its constants that are built of literals and one another. */
async function readConstants(path: string, code: string): Promise<Scope> {
  const scope: Scope = {};
  for (const [, names = "", from = ""] of code.matchAll(
    /^import \{([^}]*)\} from "(\.[^"]*)";$/gm,
  )) {
    const module = (await import(new URL(from, pathToFileURL(path)).href)) as Scope;
    for (const name of names.split(",").map((each) => each.trim())) {
      if (name in module) scope[name] = module[name];
    }
  }
  for (const [, name = "", value = ""] of code.matchAll(
    /^(?:export )?const (\w+) =\s*((?:`[^`]*`|"[^"]*"|[\d_*() ]+));$/gm,
  )) {
    scope[name] = evaluate(value, scope);
  }
  return scope;
}

function evaluate(literal: string, scope: Scope): string {
  // oxlint-disable-next-line no-implied-eval -- the text is this repository's own source
  const make = new Function(...Object.keys(scope), `return ${literal}`);
  return make(...Object.values(scope)) as string;
}

/** Returns an empty jobs database of the newest form. */
export function openJobsDatabase(): DatabaseSync {
  const database = new DatabaseSync(":memory:");
  const exec = (sql: string, ...values: number[]): { one: () => unknown } => {
    if (values.length === 0 && !sql.startsWith("SELECT")) database.exec(sql);
    const rows = sql.startsWith("SELECT") ? database.prepare(sql).all() : [];
    if (values.length > 0) database.prepare(sql).run(...values);
    return { one: () => rows[0] };
  };
  migrate({ sql: { exec }, transactionSync: (work: () => void) => work() } as never);
  return database;
}

/** The indexes that may be read whole or sorted: EXPORT_JOBS_RUNNING_MAX or the watchdog limits what is read. */
const FEW_ENTRIES = /INDEX tmp_export_jobs_(?:started|expiring)\b/;

/**
 * Returns what is wrong with a statement's plan: each step that reads a table or an index whole (a
 * search without a condition does), searches for a value that most jobs share, or sorts more than a few jobs.
 */
export function listSlowSteps(database: DatabaseSync, sql: string): string[] {
  const plan = database
    .prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .all()
    .map(({ detail }) => String(detail));
  const mayReadMany =
    plan.some((step) => step.includes(" tmp_export_jobs ")) &&
    !plan.some((step) => FEW_ENTRIES.test(step));
  return plan.filter(
    (step) =>
      (/^(?:SCAN|SEARCH) tmp_export_[^(]*$/.test(step) && !FEW_ENTRIES.test(step)) ||
      /\((?:kind=\?|kind=\? AND state=\?)\)$/.test(step) ||
      (step.startsWith("USE TEMP B-TREE") && mayReadMany),
  );
}
