import { ExportError } from "../api/errors.ts";

/** The longest accepted callback URL, in characters as sent. */
export const CALLBACK_URL_LENGTH_MAX = 2_048;

/**
 * The ports of a callback URL unless an allowlist entry names another: those of HTTPS that Cloudflare itself
 * serves. The rest belongs to other services, which no one should be able to knock at from here.
 * https://developers.cloudflare.com/fundamentals/reference/network-ports/
 */
export const CALLBACK_PORTS: readonly string[] = ["443", "2053", "2083", "2087", "2096", "8443"];

/** Why a target was refused, for programs; the message says it in words. */
type CallbackTargetRule =
  | "length"
  | "characters"
  | "syntax"
  | "scheme"
  | "credentials"
  | "host"
  | "address"
  | "port"
  | "allowlist";

/** One host of the allowlist, written as WHATWG URL parsing writes it. */
interface CallbackAllowlistEntry {
  host: string;
  /** True for `*.host`: its subdomains at any depth, not the host itself. */
  subdomains: boolean;
  /** The one port that is allowed; undefined for CALLBACK_PORTS. */
  port: string | undefined;
}

/** What a deployment lets callbacks reach; undefined lets them reach every public host. */
export type CallbackAllowlist = readonly CallbackAllowlistEntry[] | undefined;

/**
 * The address blocks that are refused, the first match counts; a row without words is let through.
 * From IANA's registries of special-purpose addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry/ and …/iana-ipv6-special-registry/),
 * multicast, and one cloud's metadata address that lies among public ones.
 */
const ADDRESS_BLOCKS: readonly (readonly [block: string, words: string])[] = [
  ["0.0.0.0/8", "an unspecified address"],
  ["10.0.0.0/8", "a private address"],
  ["100.64.0.0/10", "a shared address of carriers"],
  ["127.0.0.0/8", "a loopback address"],
  ["168.63.129.16/32", "a cloud metadata address"],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", "a private address"],
  ["192.0.0.0/24", "an address of a protocol"],
  ["192.0.2.0/24", "a documentation address"],
  ["192.88.99.0/24", "a 6to4 relay address"],
  ["192.168.0.0/16", "a private address"],
  ["198.18.0.0/15", "a benchmark address"],
  ["198.51.100.0/24", "a documentation address"],
  ["203.0.113.0/24", "a documentation address"],
  ["224.0.0.0/4", "a multicast address"],
  ["240.0.0.0/4", "a reserved address"],
  ["0.0.0.0/0", ""],
  ["::/128", "an unspecified address"],
  ["::1/128", "a loopback address"],
  ["::ffff:0:0/96", "an IPv4-mapped address"],
  ["::/96", "an IPv4-compatible address"],
  ["64:ff9b::/96", "a NAT64 address"],
  ["64:ff9b:1::/48", "a NAT64 address"],
  ["2001::/23", "an address of a protocol"],
  ["2001:db8::/32", "a documentation address"],
  ["2002::/16", "a 6to4 address"],
  ["3fff::/20", "a documentation address"],
  ["2000::/3", ""],
  ["fc00::/7", "a unique local address"],
  ["fe80::/10", "a link-local address"],
  ["fec0::/10", "a site-local address"],
  ["ff00::/8", "a multicast address"],
  ["::/0", "an address outside the public IPv6 space"],
];

/**
 * Names, with all below them, that mean this machine or a private network (RFC 6761, 6762 and 8375, and
 * ICANN's list of colliding names, https://www.icann.org/resources/pages/name-collision-2013-12-06-en),
 * and the metadata services that clouds put under public names.
 */
const REFUSED_NAMES: readonly string[] = [
  "localhost",
  "localdomain",
  "local",
  "home.arpa",
  "internal",
  "corp",
  "home",
  "intranet",
  "lan",
  "private",
  "metadata.packet.net",
  "metadata.platformequinix.com",
  "metadata.tencentyun.com",
];

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

/** A DNS name of two or more labels; `_` is seen in the wild. */
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+$/;

/**
 * The URL that a callback may be sent to, as WHATWG URL parsing writes it and without its fragment:
 * what was checked is what is fetched. Throws `callback-url-refused`; its message names the rule and
 * at most the host, since paths and queries may hold secrets.
 *
 * Names are not resolved: a public name may still point to a private address. Where that matters,
 * set the allowlist.
 */
export function checkCallbackTarget(
  url: string,
  options: { allowlist: CallbackAllowlist; localDevelopment: boolean },
): string {
  if (url.length > CALLBACK_URL_LENGTH_MAX) {
    throw refusal("length", `it is longer than ${CALLBACK_URL_LENGTH_MAX} characters`);
  }
  // URL parsing would drop or turn these, so that a reader sees another URL than the one that is called.
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f\\]/.test(url)) {
    throw refusal("characters", "it holds a space, a control character or a backslash");
  }
  const target = URL.parse(url);
  if (target === null) throw refusal("syntax", "it is not a valid absolute URL");
  target.hash = "";

  const isLoopback = LOOPBACK_HOSTS.has(target.hostname);
  const isLocalReceiver = options.localDevelopment && isLoopback;
  if (target.protocol !== "https:" && !(target.protocol === "http:" && isLocalReceiver)) {
    throw refusal("scheme", "its scheme is not https");
  }
  if (target.username !== "" || target.password !== "") {
    throw refusal("credentials", "it holds a user name or password");
  }
  if (isLocalReceiver) return target.href;

  const hostFault = faultOfHost(target.hostname);
  if (hostFault !== undefined) throw refusal(hostFault.rule, hostFault.reason);

  const port = target.port === "" ? "443" : target.port;
  if (options.allowlist === undefined) {
    if (!CALLBACK_PORTS.includes(port))
      throw refusal("port", `port ${port} is not a port of HTTPS`);
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
 * Reads EXPORT_CALLBACK_ALLOWLIST: hosts and `*.example.com` patterns separated by commas, each with
 * an optional `:port`. Undefined where the variable is missing or empty. Throws `configuration-invalid`
 * for an entry that says something else or could never be reached.
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
      `\`${entry}\` has its \`*\` elsewhere than in a leading \`*.\`; leave the variable out to allow every public host`,
    );
  }
  // oxlint-disable-next-line no-control-regex
  if (/[\u0000-\u0020\u007f\\/?#@]/.test(authority)) {
    throw misconfiguration(`\`${entry}\` is not a host: write no scheme, user, path or space`);
  }
  const url = URL.parse(`https://${authority}`);
  if (url === null) throw misconfiguration(`\`${entry}\` is not a valid host`);
  const host = url.hostname;
  const fault = faultOfHost(host);
  if (fault !== undefined)
    throw misconfiguration(`\`${entry}\` can never be called: ${fault.reason}`);
  if (subdomains && addressOf(host) !== undefined) {
    throw misconfiguration(`\`${entry}\` puts \`*.\` before an address`);
  }
  // The port is taken from the text, since URL parsing drops `:443`, which still narrows the entry.
  const port = /:(\d+)$/.exec(authority)?.[1];
  return { host, subdomains, port: port === undefined ? undefined : String(Number(port)) };
}

function namesHost(entry: CallbackAllowlistEntry, host: string): boolean {
  return entry.subdomains ? host.endsWith(`.${entry.host}`) : host === entry.host;
}

function allowsPort(entry: CallbackAllowlistEntry, port: string): boolean {
  return entry.port === undefined ? CALLBACK_PORTS.includes(port) : entry.port === port;
}

/** Why a host as URL parsing writes it is no public one; undefined where it may be. */
function faultOfHost(host: string): { rule: CallbackTargetRule; reason: string } | undefined {
  const address = addressOf(host);
  if (address !== undefined) {
    const words = wordsOfAddress(address);
    return words === "" ? undefined : { rule: "address", reason: `${host} is ${words}` };
  }
  if (host.endsWith(".")) return { rule: "host", reason: "its host ends with a dot" };
  const name = REFUSED_NAMES.find((name) => host === name || host.endsWith(`.${name}`));
  if (name !== undefined) return { rule: "host", reason: `\`${name}\` is not a public name` };
  if (!host.includes(".")) return { rule: "host", reason: "its host is a single label" };
  if (!DNS_NAME.test(host)) return { rule: "host", reason: "its host is not a DNS name" };
  return undefined;
}

/** An IP address as a number, with its width in bits. */
interface Address {
  bits: bigint;
  width: 32 | 128;
}

interface AddressBlock {
  prefix: Address;
  prefixBits: number;
  words: string;
}

const addressBlocks: readonly AddressBlock[] = ADDRESS_BLOCKS.map(([block, words]) => {
  const [address = "", prefixBits] = block.split("/");
  const prefix = address.includes(":") ? ipv6Address(address) : ipv4Address(address);
  return { prefix, prefixBits: Number(prefixBits), words };
});

function wordsOfAddress(address: Address): string {
  const block = addressBlocks.find(({ prefix, prefixBits }) => {
    const shift = BigInt(address.width - prefixBits);
    return prefix.width === address.width && prefix.bits >> shift === address.bits >> shift;
  });
  return block?.words ?? "an address of no known kind";
}

/**
 * The address that a host is, where it is one. URL parsing has already turned every spelling into one
 * (four decimal numbers; brackets around lower-case hexadecimal groups), and refuses other hosts whose
 * last label is a number: https://url.spec.whatwg.org/#host-parsing.
 */
function addressOf(host: string): Address | undefined {
  if (host.startsWith("[")) return ipv6Address(host.slice(1, -1));
  return /^\d+(?:\.\d+){3}$/.test(host) ? ipv4Address(host) : undefined;
}

function ipv4Address(text: string): Address {
  const bits = text.split(".").reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { bits, width: 32 };
}

function ipv6Address(text: string): Address {
  const [head = "", tail] = text.split("::");
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  const bits = [...before, ...zeros, ...after].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
  return { bits, width: 128 };
}

function refusal(rule: CallbackTargetRule, reason: string): ExportError {
  return new ExportError("callback-url-refused", `the callback URL is refused: ${reason}`, {
    details: { rule },
  });
}

function misconfiguration(reason: string): ExportError {
  return new ExportError("configuration-invalid", `EXPORT_CALLBACK_ALLOWLIST: ${reason}`);
}
