/**
 * The address blocks that are refused. The first match counts; a row without words is accepted.
 * They come from IANA's registries of special-purpose addresses
 * (https://www.iana.org/assignments/iana-ipv4-special-registry/ and …/iana-ipv6-special-registry/),
 * plus multicast and one cloud's metadata address, which is in a public range.
 */
const ADDRESS_BLOCKS: readonly (readonly [block: string, words: string])[] = [
  ["0.0.0.0/8", "an unspecified address"],
  ["10.0.0.0/8", "a private address"],
  ["100.64.0.0/10", "a shared carrier address"],
  ["127.0.0.0/8", "a loopback address"],
  ["168.63.129.16/32", "a cloud metadata address"],
  ["169.254.0.0/16", "a link-local address"],
  ["172.16.0.0/12", "a private address"],
  ["192.0.0.0/24", "a protocol address"],
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
  ["2001::/23", "a protocol address"],
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
 * Names that, with all their subdomains, refer to this machine or a private network (RFC 6761, 6762
 * and 8375, and ICANN's list of colliding names,
 * https://www.icann.org/resources/pages/name-collision-2013-12-06-en), and the metadata services
 * that clouds publish under public names.
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

/** A DNS name of two or more labels; `_` occurs in practice. */
const DNS_NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+$/;

/** Why a host is not public, for programs and in words. */
export interface HostFault {
  rule: "address" | "host";
  reason: string;
}

/**
 * Returns why a host, in the form that URL parsing produces, is not public; undefined if it may be.
 */
export function findHostFault(host: string): HostFault | undefined {
  const address = parseAddress(host);
  if (address !== undefined) {
    const words = describeAddress(address);
    return words === "" ? undefined : { rule: "address", reason: `${host} is ${words}` };
  }
  if (host.endsWith(".")) return { rule: "host", reason: "its host ends with a dot" };
  const name = REFUSED_NAMES.find((name) => host === name || host.endsWith(`.${name}`));
  if (name !== undefined) return { rule: "host", reason: `\`${name}\` is not a public name` };
  if (!host.includes(".")) return { rule: "host", reason: "its host is a single label" };
  if (!DNS_NAME.test(host)) return { rule: "host", reason: "its host is not a DNS name" };
  return undefined;
}

/** True if a host, in the form that URL parsing produces, is an IP address. */
export function isAddress(host: string): boolean {
  return parseAddress(host) !== undefined;
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
  const prefix = address.includes(":") ? parseIpv6(address) : parseIpv4(address);
  return { prefix, prefixBits: Number(prefixBits), words };
});

function describeAddress(address: Address): string {
  const block = addressBlocks.find(({ prefix, prefixBits }) => {
    const shift = BigInt(address.width - prefixBits);
    return prefix.width === address.width && prefix.bits >> shift === address.bits >> shift;
  });
  return block?.words ?? "an address of an unknown kind";
}

/**
 * Returns the address that a host contains; undefined if it is a name. URL parsing has already
 * normalized every spelling (four decimal numbers; brackets around lower-case hexadecimal groups),
 * and refuses other hosts whose last label is a number: https://url.spec.whatwg.org/#host-parsing.
 */
function parseAddress(host: string): Address | undefined {
  if (host.startsWith("[")) return parseIpv6(host.slice(1, -1));
  return /^\d+(?:\.\d+){3}$/.test(host) ? parseIpv4(host) : undefined;
}

function parseIpv4(text: string): Address {
  const bits = text.split(".").reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { bits, width: 32 };
}

function parseIpv6(text: string): Address {
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
