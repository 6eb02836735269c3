import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

import * as v from "valibot";

import { usageError } from "./cli-error.ts";
import { docsUrl } from "../src/api/docs-url.ts";

/** The origin of a setting; `doctor` shows it instead of the token itself. */
type Origin = string;

/** The Worker to call, and with which token. */
export interface Config {
  /** Without a trailing slash, query or fragment. */
  url: string;
  urlFrom: Origin;
  token: string;
  tokenFrom: Origin;
  /** Warnings about unsafe settings, without the token. */
  warnings: string[];
}

/** The values from flags and environment. */
export interface ConfigInput {
  url?: string | undefined;
  token?: string | undefined;
  config?: string | undefined;
  env: Record<string, string | undefined>;
  /** What messages call the `url` and `token` values; undefined: the names of the flags. */
  names?: { url: string; token: string };
}

const FileSchema = v.strictObject({
  url: v.optional(v.string()),
  token: v.optional(v.string()),
});

const NO_URL_HINT = `Pass --url, set DURABLE_EXPORT_URL, or write it into the configuration file: ${docsUrl("cli.md")}`;
const NO_TOKEN_HINT = `Set DURABLE_EXPORT_TOKEN, pass --token, or write it into the configuration file: ${docsUrl("cli.md")}`;

/**
 * Returns the settings: a flag takes precedence over the environment, and the environment over the
 * configuration file. No file is looked up in the working directory: a file from someone else's
 * repository could send the token to a URL of their choice. A file that is named must exist. Throws
 * a usage error, which never contains the token.
 */
export function resolveConfig(input: ConfigInput): Config {
  const isFileNamed = (input.config ?? input.env["DURABLE_EXPORT_CONFIG"]) !== undefined;
  const isFileNeeded = [
    [input.url, input.env["DURABLE_EXPORT_URL"]],
    [input.token, input.env["DURABLE_EXPORT_TOKEN"]],
  ].some((values) => values.every((value) => (value ?? "").trim() === ""));
  const file = isFileNamed || isFileNeeded ? readConfigFile(input) : undefined;
  const url = pick([
    [input.url, input.names?.url ?? "--url"],
    [input.env["DURABLE_EXPORT_URL"], "DURABLE_EXPORT_URL"],
    [file?.values.url, file?.path],
  ]);
  if (url === undefined) throw usageError("no Worker URL is set", NO_URL_HINT);
  const token = pick([
    [input.token, input.names?.token ?? "--token"],
    [input.env["DURABLE_EXPORT_TOKEN"], "DURABLE_EXPORT_TOKEN"],
    [file?.values.token, file?.path],
  ]);
  if (token === undefined) throw usageError("no token is given", NO_TOKEN_HINT);
  if (!/^[\x21-\x7e]+$/.test(token.value)) {
    throw usageError(
      `the token of ${token.from} contains white space or characters that are not allowed in HTTP headers`,
    );
  }
  const { href, warnings } = checkUrl(url.value, url.from);
  if (file?.values.token !== undefined && isReadableByOthers(file.path)) {
    warnings.push(
      `${file.path} contains a token that other users can read: chmod 600 ${JSON.stringify(file.path)}`,
    );
  }
  return { url: href, urlFrom: url.from, token: token.value, tokenFrom: token.from, warnings };
}

/** Returns the path of the configuration file if none is named. */
export function defaultConfigPath(env: Record<string, string | undefined>): string {
  const base = env["XDG_CONFIG_HOME"];
  return join(
    base === undefined || base === "" ? join(env["HOME"] ?? homedir(), ".config") : base,
    "durable-export",
    "config.json",
  );
}

function pick(
  candidates: [value: string | undefined, from: string | undefined][],
): { value: string; from: string } | undefined {
  for (const [value, from] of candidates) {
    const trimmed = value?.trim();
    if (trimmed !== undefined && trimmed !== "") return { value: trimmed, from: from ?? "" };
  }
  return undefined;
}

function readConfigFile(
  input: ConfigInput,
): { path: string; values: v.InferOutput<typeof FileSchema> } | undefined {
  const named = input.config ?? input.env["DURABLE_EXPORT_CONFIG"];
  const path = named ?? defaultConfigPath(input.env);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (named === undefined && (code === "ENOENT" || code === "ENOTDIR")) return undefined;
    throw usageError(`the configuration file ${path} cannot be read: ${code ?? String(cause)}`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // The parser's message quotes the text, which may be the token.
    throw usageError(`the configuration file ${path} is not JSON`);
  }
  // The validator treats an array as an object.
  const parsed = v.safeParse(FileSchema, Array.isArray(json) ? null : json);
  if (parsed.success) return { path, values: parsed.output };
  const keys = parsed.issues.flatMap((issue) => v.getDotPath(issue) ?? []);
  throw usageError(
    keys.length === 0
      ? `the configuration file ${path} is not a JSON object`
      : `the configuration file ${path} has a wrong or unknown value: ${keys.join(", ")}`,
    'It may contain a "url" and a "token", both strings.',
  );
}

function isReadableByOthers(path: string): boolean {
  return process.platform !== "win32" && (statSync(path).mode & 0o077) !== 0;
}

function checkUrl(text: string, from: string): { href: string; warnings: string[] } {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw usageError(
      `the URL of ${from} is not a URL`,
      "Write it like this: https://export.example.workers.dev.",
    );
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw usageError(`the URL of ${from} does not begin with https://`);
  }
  if (url.username !== "" || url.password !== "") {
    throw usageError(`the URL of ${from} contains a user name or password`, NO_TOKEN_HINT);
  }
  const warnings =
    url.protocol === "http:" && !isLocalHost(url)
      ? [`the token is sent unencrypted to ${url.origin}: use https`]
      : [];
  return { href: `${url.origin}${url.pathname.replace(/\/+$/, "")}`, warnings };
}

/** Returns true if a URL is of this machine. */
export function isLocalHost({ hostname }: URL): boolean {
  return ["localhost", "127.0.0.1", "[::1]"].includes(hostname);
}
