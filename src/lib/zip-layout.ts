import { encodeUtf8 } from "./bytes.ts";

/** A file of an archive, stored without compression. */
export interface ZipEntry {
  /** Its path in the archive: at most 65,535 bytes in UTF-8. */
  name: string;
  bytes: number;
  /** CRC-32 of its bytes, unsigned. */
  crc32: number;
}

/**
 * A stretch of an archive: bytes of the archive itself, or a range of an entry, whose bytes the
 * caller has.
 */
export type ZipStretch<E extends ZipEntry> =
  | { kind: "own"; bytes: Uint8Array }
  | { kind: "content"; entry: E; offset: number; length: number };

/** If a field of 2 or 4 bytes has this value, the real value is in a ZIP64 record. */
const MAX_16 = 0xffff;
const MAX_32 = 0xffffffff;

/** The version that a reader needs: 2.0, or 4.5 for ZIP64. */
const VERSION = 20;
const VERSION_ZIP64 = 45;
/** Made by version 4.5 on Unix, which defines what the attributes mean: a file, rw-r--r--. */
const MADE_BY = (3 << 8) | VERSION_ZIP64;
const ATTRIBUTES = 0o100644 * 0x10000;
/** Bit 11 of the flags: names are UTF-8. */
const NAME_IS_UTF8 = 1 << 11;

const LOCAL_HEADER_BYTES = 30;
const CENTRAL_HEADER_BYTES = 46;
const END_BYTES = 22;
const END_ZIP64_BYTES = 56 + 20;
/** Seconds since 1970, in addition to the fields that count from 1980 and have no time zone. */
const TIME_EXTRA_BYTES = 9;

/**
 * A ZIP archive of stored entries (APPNOTE.TXT 6.3.10), with ZIP64 if a size, an offset or the
 * number of entries needs it. Sizes and CRC-32s are known in advance. So the archive's length is
 * known too, and any range can be made without the bytes before it. The same entries and time
 * always make the same bytes. docs/decisions explains why no library makes it.
 */
export class ZipLayout<E extends ZipEntry> {
  /** Of the whole archive. */
  readonly bytes: number;
  readonly #entries: readonly E[];
  readonly #modified: Modified;

  /** All entries get the same modification time. The format can store times from 1980 to 2107. */
  constructor(entries: readonly E[], modifiedAtMs: number) {
    this.#entries = entries;
    this.#modified = encodeModified(modifiedAtMs);
    let offset = 0;
    let directoryBytes = 0;
    for (const entry of entries) {
      directoryBytes += centralHeaderBytes(entry, offset);
      offset += localHeaderBytes(entry) + entry.bytes;
    }
    const needsZip64 = endNeedsZip64({ count: entries.length, offset, directoryBytes });
    this.bytes = offset + directoryBytes + END_BYTES + (needsZip64 ? END_ZIP64_BYTES : 0);
  }

  /**
   * Lists the stretches that make up a range of the archive, in order and without gaps. Nothing
   * else is built.
   */
  *stretches(range: { offset: number; length: number }): Generator<ZipStretch<E>, void, undefined> {
    const end = range.offset + range.length;
    const clip = (offset: number, length: number): { from: number; to: number } | undefined => {
      const from = Math.max(range.offset - offset, 0);
      const to = Math.min(end - offset, length);
      return from < to ? { from, to } : undefined;
    };
    let offset = 0;
    for (const entry of this.#entries) {
      const headerBytes = localHeaderBytes(entry);
      const header = clip(offset, headerBytes);
      if (header !== undefined) {
        const bytes = localHeader(entry, this.#modified).subarray(header.from, header.to);
        yield { kind: "own", bytes };
      }
      const content = clip(offset + headerBytes, entry.bytes);
      if (content !== undefined) {
        const { from, to } = content;
        yield { kind: "content", entry, offset: from, length: to - from };
      }
      offset += headerBytes + entry.bytes;
    }
    const directoryOffset = offset;
    let entryOffset = 0;
    for (const entry of this.#entries) {
      const headerBytes = centralHeaderBytes(entry, entryOffset);
      const header = clip(offset, headerBytes);
      if (header !== undefined) {
        const bytes = centralHeader(entry, entryOffset, this.#modified);
        yield { kind: "own", bytes: bytes.subarray(header.from, header.to) };
      }
      offset += headerBytes;
      entryOffset += localHeaderBytes(entry) + entry.bytes;
    }
    const ending = clip(offset, this.bytes - offset);
    if (ending !== undefined) {
      const bytes = endRecords({
        count: this.#entries.length,
        offset: directoryOffset,
        directoryBytes: offset - directoryOffset,
      });
      yield { kind: "own", bytes: bytes.subarray(ending.from, ending.to) };
    }
  }
}

interface Modified {
  dosTime: number;
  dosDate: number;
  unixSeconds: number;
}

/** Times before 1980 or after 2107 become the nearest time that the format can store. */
function encodeModified(ms: number): Modified {
  const first = Date.UTC(1980, 0, 1);
  const last = Date.UTC(2107, 11, 31, 23, 59, 58);
  const date = new Date(Math.min(Math.max(ms, first), last));
  return {
    dosTime: (date.getUTCHours() << 11) | (date.getUTCMinutes() << 5) | (date.getUTCSeconds() >> 1),
    dosDate:
      ((date.getUTCFullYear() - 1980) << 9) | ((date.getUTCMonth() + 1) << 5) | date.getUTCDate(),
    unixSeconds: Math.floor(date.getTime() / 1000),
  };
}

function isLarge({ bytes }: ZipEntry): boolean {
  return bytes >= MAX_32;
}

function localHeaderBytes(entry: ZipEntry): number {
  const zip64 = isLarge(entry) ? 4 + 16 : 0;
  return LOCAL_HEADER_BYTES + encodeUtf8(entry.name).byteLength + TIME_EXTRA_BYTES + zip64;
}

function centralHeaderBytes(entry: ZipEntry, offset: number): number {
  const values = (isLarge(entry) ? 16 : 0) + (offset >= MAX_32 ? 8 : 0);
  const zip64 = values === 0 ? 0 : 4 + values;
  return CENTRAL_HEADER_BYTES + encodeUtf8(entry.name).byteLength + TIME_EXTRA_BYTES + zip64;
}

function localHeader(entry: ZipEntry, modified: Modified): Uint8Array {
  const fields = new Fields(localHeaderBytes(entry));
  const zip64 = isLarge(entry) ? [entry.bytes, entry.bytes] : [];
  fields.put(4, 0x04034b50);
  putCommon(fields, entry, modified, zip64.length > 0);
  putNameAndExtra(fields, { name: entry.name, modified, zip64, between: () => {} });
  return fields.bytes;
}

function centralHeader(entry: ZipEntry, offset: number, modified: Modified): Uint8Array {
  const fields = new Fields(centralHeaderBytes(entry, offset));
  const zip64 = [
    ...(isLarge(entry) ? [entry.bytes, entry.bytes] : []),
    ...(offset >= MAX_32 ? [offset] : []),
  ];
  fields.put(4, 0x02014b50);
  fields.put(2, MADE_BY);
  putCommon(fields, entry, modified, zip64.length > 0);
  putNameAndExtra(fields, {
    name: entry.name,
    modified,
    zip64,
    between: () => {
      fields.put(2, 0); // length of the comment
      fields.put(2, 0); // disk
      fields.put(2, 0); // internal attributes
      fields.put(4, ATTRIBUTES);
      fields.put(4, Math.min(offset, MAX_32));
    },
  });
  return fields.bytes;
}

/** Writes the fields that both headers of an entry share, from the version to the sizes. */
function putCommon(
  fields: Fields,
  entry: ZipEntry,
  { dosTime, dosDate }: Modified,
  needsZip64: boolean,
): void {
  fields.put(2, needsZip64 ? VERSION_ZIP64 : VERSION);
  fields.put(2, NAME_IS_UTF8);
  fields.put(2, 0); // stored
  fields.put(2, dosTime);
  fields.put(2, dosDate);
  fields.put(4, entry.crc32);
  fields.put(4, Math.min(entry.bytes, MAX_32));
  fields.put(4, Math.min(entry.bytes, MAX_32));
}

function putNameAndExtra(
  fields: Fields,
  of: { name: string; modified: Modified; zip64: readonly number[]; between: () => void },
): void {
  const name = encodeUtf8(of.name);
  const zip64Bytes = of.zip64.length * 8;
  fields.put(2, name.byteLength);
  fields.put(2, TIME_EXTRA_BYTES + (zip64Bytes === 0 ? 0 : 4 + zip64Bytes));
  of.between();
  fields.putBytes(name);
  fields.put(2, 0x5455);
  fields.put(2, TIME_EXTRA_BYTES - 4);
  fields.put(1, 1); // only the time of modification
  fields.put(4, of.modified.unixSeconds);
  if (zip64Bytes === 0) return;
  fields.put(2, 0x0001);
  fields.put(2, zip64Bytes);
  for (const value of of.zip64) fields.put(8, value);
}

/** The directory of an archive: its entries, start and length. */
interface Directory {
  count: number;
  offset: number;
  directoryBytes: number;
}

function endNeedsZip64({ count, offset, directoryBytes }: Directory): boolean {
  return count >= MAX_16 || offset >= MAX_32 || directoryBytes >= MAX_32;
}

function endRecords(directory: Directory): Uint8Array {
  const { count, offset, directoryBytes } = directory;
  const needsZip64 = endNeedsZip64(directory);
  const fields = new Fields(END_BYTES + (needsZip64 ? END_ZIP64_BYTES : 0));
  if (needsZip64) {
    fields.put(4, 0x06064b50);
    fields.put(8, 56 - 12); // of this record, without the fields before
    fields.put(2, MADE_BY);
    fields.put(2, VERSION_ZIP64);
    fields.put(4, 0); // this disk
    fields.put(4, 0); // the directory's disk
    fields.put(8, count); // on this disk
    fields.put(8, count);
    fields.put(8, directoryBytes);
    fields.put(8, offset);
    fields.put(4, 0x07064b50);
    fields.put(4, 0); // the record's disk
    fields.put(8, offset + directoryBytes);
    fields.put(4, 1); // disks
  }
  fields.put(4, 0x06054b50);
  fields.put(2, 0); // this disk
  fields.put(2, 0); // the directory's disk
  fields.put(2, Math.min(count, MAX_16)); // on this disk
  fields.put(2, Math.min(count, MAX_16));
  fields.put(4, Math.min(directoryBytes, MAX_32));
  fields.put(4, Math.min(offset, MAX_32));
  fields.put(2, 0); // length of the comment
  return fields.bytes;
}

/** Writes numbers one after the other, little-endian. */
class Fields {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(length: number) {
    this.bytes = new Uint8Array(length);
    this.#view = new DataView(this.bytes.buffer);
  }

  put(size: 1 | 2 | 4 | 8, value: number): void {
    if (size === 1) this.#view.setUint8(this.#at, value);
    else if (size === 2) this.#view.setUint16(this.#at, value, true);
    else if (size === 4) this.#view.setUint32(this.#at, value, true);
    else this.#view.setBigUint64(this.#at, BigInt(value), true);
    this.#at += size;
  }

  putBytes(bytes: Uint8Array): void {
    this.bytes.set(bytes, this.#at);
    this.#at += bytes.byteLength;
  }
}
