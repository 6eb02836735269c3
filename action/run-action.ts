import { randomUUID } from "node:crypto";

import { ApiClient } from "../cli/api-client.ts";
import { CliError } from "../cli/cli-error.ts";
import { resolveConfig } from "../cli/config.ts";
import { describeDownload, type DownloadResult } from "../cli/download-artifacts.ts";
import { dumpJob, findDumpOutput } from "../cli/dump-job.ts";
import { EXIT, type ExitCode } from "../cli/exit-codes.ts";
import type { Fleet } from "../cli/fleet-answers.ts";
import { type FleetBody, FleetClient } from "../cli/fleet-client.ts";
import { describeFleet, followFleet, requireFleetCompleted } from "../cli/follow-fleet.ts";
import { oneLine } from "../cli/format.ts";
import { graceSignal } from "../cli/grace-signal.ts";
import type { Host } from "../cli/host.ts";
import { RETRY_BASE_MS } from "../cli/retry.ts";
import { Secrets } from "../cli/secrets.ts";
import { Terminal } from "../cli/terminal.ts";
import { verifyRestore } from "../cli/verify-restore.ts";
import { type Inputs, readInputs } from "./inputs.ts";
import { failureMarkdown, fleetMarkdown, summaryMarkdown } from "./summary.ts";
import {
  annotationLine,
  appendSummary,
  getInput,
  maskLine,
  setOutput,
} from "./workflow-commands.ts";

/** More attempts than on the command line, because nobody watches a runner. */
const RETRIES = 8;

/**
 * Runs the action: the command line's `dump` and, if requested, `verify --restore`. Reads inputs from the workflow,
 * and writes outputs, summary and annotations for it. Returns the command line's exit code.
 */
export async function runAction(host: Host): Promise<ExitCode> {
  const secrets = new Secrets();
  const terminal = new Terminal(host, secrets, "human");
  try {
    const token = getInput(host.env, "token");
    secrets.add(token);
    if (token !== "") host.stdout.write(maskLine(token));
    const inputs = readInputs((name) => getInput(host.env, name));
    if (inputs.fleet === undefined) {
      const result = await backUp(inputs, host, terminal);
      publish(host.env, result, inputs.isRestored);
    } else {
      publishFleet(host.env, await backUpFleet(inputs, inputs.fleet, host, terminal));
    }
    return EXIT.done;
  } catch (error) {
    const message = secrets.redact(error instanceof Error ? oneLine(error.message) : String(error));
    const hint = error instanceof CliError ? error.hint : undefined;
    host.stdout.write(
      annotationLine("error", hint === undefined ? message : `${message}. ${hint}`),
    );
    appendSummary(host.env, failureMarkdown(message, hint));
    return error instanceof CliError ? error.exitCode : EXIT.failed;
  }
}

function openClient({ url, token }: Inputs, host: Host, terminal: Terminal): ApiClient {
  // This action ignores the workflow's environment: it reads only its inputs.
  const names = { url: "the input url", token: "the input token" };
  const config = resolveConfig({ url, token, env: {}, names });
  for (const warning of config.warnings) terminal.warn(warning);
  return new ApiClient({
    ...config,
    retry: { retries: RETRIES, baseMs: RETRY_BASE_MS },
    signal: host.interrupt,
    onRetry: (line) => terminal.note(line),
  });
}

async function backUpFleet(
  inputs: Inputs,
  body: FleetBody,
  host: Host,
  terminal: Terminal,
): Promise<Fleet> {
  const api = openClient(inputs, host, terminal);
  const key = randomUUID();
  const { fleetId } = await new FleetClient(api).start(body, key, graceSignal(api.signal));
  terminal.note(`fleet ${fleetId} started`);
  const { timeoutMs } = inputs;
  const fleet = await followFleet(api, terminal, { fleetId, timeoutMs });
  for (const { member, code, message } of fleet.failures) {
    terminal.warn(oneLine(`object ${JSON.stringify(member)} failed: ${code}: ${message}`));
  }
  requireFleetCompleted(fleet);
  terminal.note(describeFleet(fleet));
  return fleet;
}

async function backUp(inputs: Inputs, host: Host, terminal: Terminal): Promise<DownloadResult> {
  const client = openClient(inputs, host, terminal);
  const result = await dumpJob({
    client,
    terminal,
    host,
    request: inputs.request,
    output: inputs.path ?? (await findDumpOutput(client, inputs.request)),
    timeoutMs: inputs.timeoutMs,
    isFresh: false,
    failIfEmpty: inputs.failIfEmpty,
  });
  terminal.note(describeDownload(result));
  // An SQLite file is a restored dump.
  if (inputs.isRestored && !result.sqlite) await verifyRestore({ terminal, host }, result);
  return result;
}

function publishFleet(env: Host["env"], fleet: Fleet): void {
  for (const name of ["job-id", "file", "manifest", "sha256"]) setOutput(env, name, "");
  setOutput(env, "fleet-id", fleet.fleetId);
  setOutput(env, "bytes", String(fleet.progress.bytes));
  setOutput(env, "rows", String(fleet.progress.rows));
  appendSummary(env, fleetMarkdown(fleet));
}

function publish(env: Host["env"], result: DownloadResult, isRestored: boolean): void {
  setOutput(env, "job-id", result.jobId);
  setOutput(env, "fleet-id", "");
  setOutput(env, "file", result.path ?? "");
  setOutput(env, "manifest", result.manifestPath ?? "");
  setOutput(env, "sha256", result.sha256 ?? "");
  setOutput(env, "bytes", String(result.bytes));
  setOutput(env, "rows", String(result.rows));
  appendSummary(env, summaryMarkdown(result, isRestored || result.sqlite));
}
