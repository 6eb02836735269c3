import { createInterface, type Interface } from "node:readline/promises";
import type { Readable, Writable } from "node:stream";

import { CliError, Interrupted } from "../cli-error.ts";
import {
  type BackupPlan,
  checkBucket,
  checkSchedule,
  planD1,
  planDurableObject,
  planEmbedded,
  type PlannedSource,
  planStarbasedb,
} from "./backup-plan.ts";

/** The terminal at which questions are asked. */
export interface Questioner {
  stdin: Readable;
  stderr: Writable;
  interrupt: AbortSignal;
}

const KINDS: Record<string, { what: string; ask: (ask: Ask) => Promise<PlannedSource> }> = {
  1: { what: "a D1 database", ask: (ask) => ask("Its NAME:ID (npx wrangler d1 list)", planD1) },
  2: {
    what: "a StarbaseDB deployment",
    ask: (ask) => ask("The name of its Worker", planStarbasedb, "starbasedb"),
  },
  3: {
    what: "a class of Durable Objects",
    ask: (ask) => ask("BINDING=Class@script, such as TENANT=Tenant@my-app", planDurableObject),
  },
  4: {
    what: "a database of the new Worker itself",
    ask: () => Promise.resolve(planEmbedded()),
  },
};

/** Asks until `parse` accepts the answer. An empty answer means `byDefault`. */
type Ask = <T>(question: string, parse: (answer: string) => T, byDefault?: string) => Promise<T>;

/** Asks what to back up, where to, and when, unless it is given. Errors: `Interrupted`. */
export function askPlan(
  questioner: Questioner,
  given: { sources: PlannedSource[]; bucket: string | undefined; schedule: string | undefined },
  bucketDefault: string,
): Promise<BackupPlan> {
  return withQuestions(questioner, async (ask) => {
    const sources = [...given.sources];
    if (sources.length === 0) {
      const kinds = Object.entries(KINDS).map(([key, { what }]) => `  ${key}  ${what}\n`);
      questioner.stderr.write(`What do you back up?\n${kinds.join("")}`);
      const kind = await ask("Number", parseKind, "1");
      sources.push(await kind.ask(ask));
    }
    const bucket = given.bucket ?? (await ask("R2 bucket", checkBucket, bucketDefault));
    const schedule =
      given.schedule ??
      (sources.some((source) => source.schedule !== undefined)
        ? await ask('Cron expression in UTC, or "none"', parseSchedule, "17 3 * * *")
        : undefined);
    return { sources, bucket, schedule };
  });
}

/** Asks a yes-or-no question; an empty answer means no. Errors: `Interrupted`. */
export function askYesNo(questioner: Questioner, question: string): Promise<boolean> {
  return withQuestions(questioner, (ask) =>
    ask(`${question} (y/N)`, (answer) => /^y(es)?$/i.test(answer.trim())),
  );
}

function parseKind(answer: string): (typeof KINDS)[string] {
  const kind = KINDS[answer.trim()];
  if (kind !== undefined) return kind;
  throw new CliError("usage", `answer ${Object.keys(KINDS).join(", ")}`, { exitCode: 2 });
}

function parseSchedule(answer: string): string | undefined {
  return answer.trim() === "none" ? undefined : checkSchedule(answer);
}

async function withQuestions<T>(
  { stdin, stderr, interrupt }: Questioner,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const lines = createInterface({ input: stdin, output: stderr });
  const stop = new AbortController();
  // Ctrl-C arrives here instead of at the process, and Ctrl-D ends the input without an answer.
  lines.once("SIGINT", () => stop.abort());
  lines.once("close", () => stop.abort());
  const signal = AbortSignal.any([interrupt, stop.signal]);
  try {
    return await work(makeAsk(lines, stderr, signal));
  } catch (error) {
    if (signal.aborted) throw new Interrupted();
    throw error;
  } finally {
    lines.close();
  }
}

function makeAsk(lines: Interface, stderr: Writable, signal: AbortSignal): Ask {
  return async (question, parse, byDefault) => {
    const suffix = byDefault === undefined ? "" : ` [${byDefault}]`;
    for (;;) {
      const answer = await lines.question(`${question}${suffix}: `, { signal });
      try {
        return parse(answer.trim() === "" ? (byDefault ?? "") : answer);
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        stderr.write(`${error.message}${error.hint === undefined ? "" : `. ${error.hint}`}\n`);
      }
    }
  };
}
