import { ExportError } from "../api/errors.ts";
import { isLocalOrigin } from "../lib/local-origin.ts";
import { findHostFault, type HostFault, isAddress } from "./public-host.ts";

/** The most characters of a callback URL, as sent. */
export const CALLBACK_URL_LENGTH_MAX = 2_048;

/**
 * The ports of a callback URL unless an allowlist entry names another: the HTTPS ports that
 * Cloudflare itself serves. All others belong to other services, which must not be reachable
 * through this Worker. https://developers.cloudflare.com/fundamentals/reference/network-ports/
 */
export const CALLBACK_PORTS: readonly string[] = ["443", "2053", "2083", "2087", "2096", "8443"];

/** Why a target is refused, for programs; the message explains it. */
type CallbackTargetRule =
  | "length"
  | "characters"
  | "syntax"
  | "scheme"
  | "credentials"
  | HostFault["rule"]
  | "port"
  | "allowlist";

/** One host of the allowlist, in the form that WHATWG URL parsing produces. */
interface CallbackAllowlistEntry {
  host: string;
  /** True for `*.host`: its subdomains at any depth, but not the host itself. */
  subdomains: boolean;
  /** The one port that is allowed; undefined for CALLBACK_PORTS. */
  port: string | undefined;
}

/** The hosts that callbacks of a deployment may reach; undefined for every public host. */
export type CallbackAllowlist = readonly CallbackAllowlistEntry[] | undefined;

/**
 * Returns the URL to which a callback may be sent, in the form that WHATWG URL parsing produces and
 * without its fragment: the checked URL is the one that is fetched. Errors: `callback-url-refused`.
 * The message names the rule and at most the host, because paths and queries may contain secrets.
 *
 * Names are not resolved: a public name may still point to a private address. Set the allowlist if
 * that matters.
 */
export function checkCallbackTarget(
  url: string,
  options: { allowlist: CallbackAllowlist; localDevelopment: boolean },
): string {
  if (url.length > CALLBACK_URL_LENGTH_MAX) {
    throw refusal("length", `it is longer than ${CALLBACK_URL_LENGTH_MAX} characters`);
  }
  // URL parsing would drop or replace these characters, so the URL that is called would differ from
  // the one that people read.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f\\]/.test(url)) {
    throw refusal("characters", "it contains a space, a control character or a backslash");
  }
  const target = URL.parse(url);
  if (target === null) throw refusal("syntax", "it is not a valid absolute URL");
  target.hash = "";

  const isLoopback = isLocalOrigin(target.href);
  const isLocalReceiver = options.localDevelopment && isLoopback;
  if (target.protocol !== "https:" && !(target.protocol === "http:" && isLocalReceiver)) {
    throw refusal("scheme", "its scheme is not https");
  }
  if (target.username !== "" || target.password !== "") {
    throw refusal("credentials", "it contains a user name or password");
  }
  if (isLocalReceiver) return target.href;

  const hostFault = findHostFault(target.hostname);
  if (hostFault !== undefined) throw refusal(hostFault.rule, hostFault.reason);

  const port = target.port === "" ? "443" : target.port;
  if (options.allowlist === undefined) {
    if (!CALLBACK_PORTS.includes(port)) throw refusal("port", `port ${port} is not an HTTPS port`);
    return target.href;
  }
  const entries = options.allowlist.filter((entry) => namesHost(entry, target.hostname));
  if (entries.length === 0) {
    throw refusal("allowlist", `EXPORT_CALLBACK_ALLOWLIST does not name ${target.hostname}`);
  }
  if (!entries.some((entry) => allowsPort(entry, port))) {
    throw refusal(
      "port",
      `EXPORT_CALLBACK_ALLOWLIST does not name port ${port} of ${target.hostname}`,
    );
  }
  return target.href;
}

/**
 * Parses EXPORT_CALLBACK_ALLOWLIST: hosts and `*.example.com` patterns separated by commas, each
 * with an optional `:port`. Returns undefined if the variable is missing or empty. Errors:
 * `configuration-invalid` for an entry that is anything else or could never be reached.
 */
export function parseCallbackAllowlist(text: string | undefined): CallbackAllowlist {
  if (text === undefined || text.trim() === "") return undefined;
  return text.split(",").map((piece) => parseAllowlistEntry(piece.trim()));
}

function parseAllowlistEntry(entry: string): CallbackAllowlistEntry {
  if (entry === "") throw misconfiguration("an entry is empty: remove the extra comma");
  const subdomains = entry.startsWith("*.");
  const authority = subdomains ? entry.slice(2) : entry;
  if (authority.includes("*")) {
    throw misconfiguration(
      `\`${entry}\` has a \`*\` outside a leading \`*.\`; remove the variable to allow every public host`,
    );
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f\\/?#@]/.test(authority)) {
    throw misconfiguration(`\`${entry}\` is not a host: write no scheme, user, path or space`);
  }
  const url = URL.parse(`https://${authority}`);
  if (url === null) throw misconfiguration(`\`${entry}\` is not a valid host`);
  const host = url.hostname;
  const fault = findHostFault(host);
  if (fault !== undefined)
    throw misconfiguration(`\`${entry}\` can never be called: ${fault.reason}`);
  if (subdomains && isAddress(host)) {
    throw misconfiguration(`\`${entry}\` puts \`*.\` before an address`);
  }
  // The port is read from the text, since URL parsing drops `:443`, which still narrows the entry.
  const port = /:(\d+)$/.exec(authority)?.[1];
  return { host, subdomains, port: port === undefined ? undefined : String(Number(port)) };
}

function namesHost(entry: CallbackAllowlistEntry, host: string): boolean {
  return entry.subdomains ? host.endsWith(`.${entry.host}`) : host === entry.host;
}

function allowsPort(entry: CallbackAllowlistEntry, port: string): boolean {
  return entry.port === undefined ? CALLBACK_PORTS.includes(port) : entry.port === port;
}

function refusal(rule: CallbackTargetRule, reason: string): ExportError {
  return new ExportError("callback-url-refused", `the callback URL is refused: ${reason}`, {
    details: { rule },
  });
}

function misconfiguration(reason: string): ExportError {
  return new ExportError("configuration-invalid", `EXPORT_CALLBACK_ALLOWLIST: ${reason}`);
}
