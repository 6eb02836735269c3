import type { ApiClient } from "./api-client.ts";
import { CliError } from "./cli-error.ts";
import { EXIT } from "./exit-codes.ts";
import { findHint } from "./worker-hints.ts";

/**
 * Returns the source to restore into: `named`, the Worker's only source, or `main`. Errors, before anything is
 * uploaded: `source-not-found`, and `target-not-writable` if the Worker reports the source as read-only.
 */
export async function requireTarget(
  api: Pick<ApiClient, "findSources">,
  named: string | undefined,
): Promise<string> {
  const found = await api.findSources();
  const [only, ...others] = found?.sources ?? [];
  const target = named ?? (only !== undefined && others.length === 0 ? only.name : "main");
  if (found === undefined) return target;
  const source = found.sources.find(({ name }) => name === target);
  if (source === undefined) {
    const sources = found.sources.map(({ name }) => name);
    throw refusal("source-not-found", `there is no source ${JSON.stringify(target)}`, sources);
  }
  if (source.writable === false) {
    throw refusal("target-not-writable", `source ${JSON.stringify(target)} is not writable`);
  }
  return target;
}

function refusal(code: string, message: string, sources: string[] = []): CliError {
  const hint = findHint({ code, detail: message, sources, path: "/import/dump" });
  return new CliError({ ofWorker: code }, `${code}: ${message}`, { exitCode: EXIT.refused, hint });
}
