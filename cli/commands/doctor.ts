import type { Command } from "commander";

import { type ErrorCode, ERRORS } from "../../src/api/error-codes.ts";
import type { DestinationProbes, Sources } from "../answers.ts";
import type { ApiClient } from "../api-client.ts";
import { CliError, Interrupted } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { formatBytes, formatNumberOf } from "../format.ts";

interface Check {
  check: string;
  ok: boolean;
  detail: string;
  /** True if nothing is wrong, and something optional is not set up. */
  isNote?: boolean;
}

/** The result of a check that found something optional missing. */
type Note = Pick<Check, "detail" | "isNote">;

/** `doctor`: checks everything between this machine and a backup. */
export function addDoctor(program: Command, open: (command: Command) => Context): void {
  program
    .command("doctor")
    .description("check the settings, the Worker, the token, the sources and the storage")
    .action(async (_options: object, self: Command) => {
      const context = open(self);
      const checks: Check[] = [];
      const failure = await examine(context, (check) => {
        checks.push(check);
        const verdict = check.ok ? (check.isNote === true ? "note" : "ok  ") : "FAIL";
        context.terminal.print(`${verdict}  ${check.check.padEnd(8)} ${check.detail}`);
      });
      context.terminal.printJson({ ok: failure === undefined, checks });
      if (failure !== undefined) throw new DoctorFailure(failure);
    });
}

/** The first check that failed. Its text is already printed, so only the exit code remains to be set. */
export class DoctorFailure extends Error {
  override readonly name = "DoctorFailure";
  readonly exitCode: ExitCode;

  constructor(failure: CliError) {
    super(failure.message, { cause: failure });
    this.exitCode = failure.exitCode;
  }
}

/** Runs the checks until one fails, since each needs the previous ones. */
async function examine(
  context: Context,
  report: (check: Check) => void,
): Promise<CliError | undefined> {
  let client: ApiClient | undefined;
  const steps: [name: string, run: () => Promise<string | Note>][] = [
    [
      "settings",
      async () => {
        const { url, urlFrom, tokenFrom } = context.config();
        client = context.client();
        return `${url} (from ${urlFrom}), a token (from ${tokenFrom})`;
      },
    ],
    [
      "worker",
      async () => {
        await client?.checkHealth();
        return "answers";
      },
    ],
    [
      "token",
      async () => {
        await client?.listJobs({ limit: 1 });
        return "is accepted";
      },
    ],
    ["sources", async () => sourcesLine(await client?.findSources())],
    ["storage", async () => storageLine(await client?.findSources())],
    ["proofs", async () => proofsLine(await client?.findSources())],
    ["keys", async () => keysLine(await client?.findSources())],
    ["copies", async () => copiesLine(await probeIfAllowed(client))],
  ];
  for (const [check, run] of steps) {
    try {
      const found = await run();
      report({ check, ok: true, ...(typeof found === "string" ? { detail: found } : found) });
    } catch (error) {
      if (!(error instanceof CliError) || error instanceof Interrupted) throw error;
      const hint = error.hint === undefined ? "" : `. ${error.hint}`;
      report({
        check: isMisconfigured(error) && check === "token" ? "config" : check,
        ok: false,
        detail: `${error.message}${hint}`,
      });
      return error;
    }
  }
  return undefined;
}

/** A misconfigured Worker refuses every call, regardless of the token. */
function isMisconfigured(error: CliError): boolean {
  const code: ErrorCode = "configuration-invalid";
  return error.code === code;
}

const TOO_OLD = "this Worker is too old to report it";

function sourcesLine(found: Awaited<ReturnType<ApiClient["findSources"]>>): string {
  if (found === undefined) return TOO_OLD;
  for (const { name, problem } of found.sources) {
    if (problem === null) continue;
    throw new CliError({ ofWorker: "configuration-invalid" }, `source "${name}": ${problem}`, {
      exitCode: EXIT.refused,
    });
  }
  const names = found.sources
    .map(({ name, type, writable }) => `${name} (${type}${writable === true ? ", writable" : ""})`)
    .join(", ");
  return `${names}; version ${found.version}`;
}

/** A deployment without scratch databases is complete: proofs are an addition. */
function proofsLine(found: Awaited<ReturnType<ApiClient["findSources"]>>): string | Note {
  if (found?.proof === undefined) return TOO_OLD;
  const { problem, rowsMax } = found.proof;
  const names = found.sources
    .filter(({ verify }) => verify?.available.includes("restore") === true)
    .map(({ name }) => name);
  if (problem === null) {
    return `--verify restore is possible for ${names.join(", ")}; a proof writes at most ${formatNumberOf(rowsMax, "row")}`;
  }
  return { detail: `--verify restore is not possible: ${problem}`, isNote: true };
}

function keysLine(found: Awaited<ReturnType<ApiClient["findSources"]>>): string {
  if (found?.keys === undefined) return TOO_OLD;
  const { recipients, signs, problem } = found.keys;
  if (problem !== null) {
    throw new CliError({ ofWorker: "configuration-invalid" }, problem, { exitCode: EXIT.refused });
  }
  const sealed =
    recipients === 0 ? "not sealed" : `sealed for ${formatNumberOf(recipients, "key")}`;
  return `copies are ${sealed}; manifests are ${signs ? "" : "not "}signed`;
}

function storageLine(found: Awaited<ReturnType<ApiClient["findSources"]>>): string {
  return found === undefined ? TOO_OLD : STORAGE_LINES[found.storage](found);
}

const STORAGE_LINES: Record<Sources["storage"], (found: Sources) => string> = {
  r2: () => "R2 is bound",
  inline: ({ inline }) => inlineLine(inline),
  none: () => {
    throw new CliError({ ofWorker: "configuration-invalid" }, "no R2 bucket is bound", {
      exitCode: EXIT.refused,
      hint: "Bind one as EXPORT_R2_BUCKET: without a bucket nothing can be exported.",
    });
  },
};

/** A token that may only read cannot have the Worker write a probe: that is no fault. */
async function probeIfAllowed(
  client: ApiClient | undefined,
): Promise<DestinationProbes | "forbidden" | undefined> {
  try {
    return await client?.probeDestinations();
  } catch (error) {
    const code: ErrorCode = "forbidden";
    if (error instanceof CliError && error.code === code) return "forbidden";
    throw error;
  }
}

function copiesLine(found: Awaited<ReturnType<typeof probeIfAllowed>>): string {
  if (found === undefined) return TOO_OLD;
  if (found === "forbidden") return "not checked: this token may only read";
  for (const { name, problem } of found.destinations) {
    if (problem === null) continue;
    const words = problem.startsWith("EXPORT_DESTINATIONS: ") ? problem : `${name}: ${problem}`;
    throw new CliError({ ofWorker: "destination-refused" }, words, {
      exitCode: EXIT.refused,
      hint: ERRORS["destination-refused"].hint,
    });
  }
  if (found.destinations.length === 0) return "no destinations are set";
  const names = found.destinations.map(({ name, type }) => `${name} (${type})`).join(", ");
  return `an object was written, read and removed: ${names}`;
}

/** Used if no bucket is bound: files share the space of one database. */
function inlineLine(inline: Sources["inline"]): string {
  const line = "no bucket is bound: files are kept in the jobs database";
  if (inline === null) return line;
  const { bytesUsed, bytesMax } = inline;
  const room = `${formatBytes(bytesUsed)} of ${formatBytes(bytesMax)} used`;
  if (bytesUsed < bytesMax) return `${line}, ${room}`;
  throw new CliError({ ofWorker: "inline-storage-full" }, `${line}, and it is full: ${room}`, {
    exitCode: EXIT.refused,
    hint: ERRORS["inline-storage-full"].hint,
  });
}
