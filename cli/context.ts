import { ApiClient } from "./api-client.ts";
import { usageError } from "./cli-error.ts";
import { type Config, resolveConfig } from "./config.ts";
import type { Host } from "./host.ts";
import { RETRY_BASE_MS, type RetryPolicy } from "./retry.ts";
import { Secrets } from "./secrets.ts";
import { Terminal } from "./terminal.ts";

/** Options that every command has. */
export interface GlobalOptions {
  url?: string;
  token?: string;
  config?: string;
  json?: boolean;
  quiet?: boolean;
  retries: string;
}

const RETRIES_MAX = 100;

/** What a command uses. */
export interface Context {
  host: Host;
  terminal: Terminal;
  /** Returns the settings. Throws a usage error if they are missing or invalid. */
  config: () => Config;
  /** Returns the Worker's client. Throws as `config` does. */
  client: () => ApiClient;
}

/**
 * Opens the context that the global options describe. Nothing is read before a command needs it.
 */
export function openContext(host: Host, secrets: Secrets, options: GlobalOptions): Context {
  secrets.add(options.token);
  const mode = options.json === true ? "json" : options.quiet === true ? "quiet" : "human";
  const terminal = new Terminal(host, secrets, mode);
  const config = () => {
    const resolved = resolveConfig({ ...options, env: host.env });
    secrets.add(resolved.token);
    return resolved;
  };
  return {
    host,
    terminal,
    config,
    client: () => {
      const resolved = config();
      for (const warning of resolved.warnings) terminal.warn(warning);
      return new ApiClient({
        ...resolved,
        retry: retryPolicy(options.retries),
        signal: host.interrupt,
        onRetry: (line) => terminal.note(line),
      });
    },
  };
}

function retryPolicy(text: string): RetryPolicy {
  return { retries: parseCount(text, "--retries", 0, RETRIES_MAX), baseMs: RETRY_BASE_MS };
}

/** Returns a whole number within bounds. Throws a usage error that names the option. */
export function parseCount(text: string, option: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw usageError(`${option} must be a whole number from ${min} to ${max}`);
}
