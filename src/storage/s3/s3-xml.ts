/** Returns the text of the first element `name` in an answer of S3; undefined if there is none. */
export function findElement(xml: string, name: string): string | undefined {
  const found = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml)?.[1];
  return found === undefined ? undefined : unescapeXml(found.trim());
}

/** Returns the body of a CompleteMultipartUpload. `sha256` is base64; undefined if parts have none. */
export function writePartList(
  parts: readonly { number: number; etag: string; sha256: string | undefined }[],
): string {
  const items = parts.map(({ number, etag, sha256 }) => {
    const checksum = sha256 === undefined ? "" : `<ChecksumSHA256>${sha256}</ChecksumSHA256>`;
    const tag = `<ETag>&quot;${escapeXml(etag)}&quot;</ETag>`;
    return `<Part><PartNumber>${number}</PartNumber>${tag}${checksum}</Part>`;
  });
  const namespace = "http://s3.amazonaws.com/doc/2006-03-01/";
  return `<CompleteMultipartUpload xmlns="${namespace}">${items.join("")}</CompleteMultipartUpload>`;
}

const ENTITIES: Record<string, string> = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };

function unescapeXml(text: string): string {
  return text.replaceAll(/&(?:#(\d+)|#x([0-9a-f]+)|([a-z]+));/gi, (all, decimal, hex, name) => {
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex as string, 16));
    return ENTITIES[name as string] ?? all;
  });
}

function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
