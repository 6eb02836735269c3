import { ByteWriter } from "hyparquet-writer";
import { serializeTCompactProtocol } from "hyparquet-writer/src/thrift.js";

import type { Compression } from "../../api/export-request.ts";
import { MIB } from "../../api/limits.ts";
import { encodeUtf8 } from "../../lib/bytes.ts";
import { CODECS } from "./column-chunk.ts";
import type { ColumnType } from "./column-type.ts";
import { parseNote } from "./group-note.ts";

/** The bytes that a Parquet file begins and ends with. */
export const MAGIC = "PAR1";

/** A column of the file. */
export interface FileColumn {
  name: string;
  type: ColumnType;
}

/** Numbers and structs of parquet.thrift: https://github.com/apache/parquet-format. */
const TYPES: Record<ColumnType, number> = { int64: 2, double: 5, text: 6, blob: 6 };
const OPTIONAL = 1;
const PLAIN = 0;
const RLE = 3;
const UTF8 = { field_6: 0, field_10: { field_1: {} } };

/** Codes of Thrift's compact protocol. */
const LIST = 9;
const STRUCT = 12;
const BINARY = 8;
const STOP = 0;

/** How much of a footer is written at once. */
const BLOCK_BYTES = MIB;

/**
 * Returns the end of a file: its schema, and the place of each column in each group. `notes` are those of all groups,
 * which follow the file's first four bytes without gaps. A group has a chunk for each of `columns`, in their order,
 * and possibly more, which the file does not mention. No more than one group's description is held as objects.
 */
export function writeFooter(
  columns: readonly FileColumn[],
  file: { notes: readonly string[]; compression: Compression; createdBy: string },
): Uint8Array[] {
  const { notes } = file;
  const blocks: Uint8Array[] = [];
  let writer = new ByteWriter();
  let rows = 0;
  for (const note of notes) rows += parseNote(note).rows;
  serializeTCompactProtocol(writer, {
    field_1: 1,
    field_2: [{ field_4: "schema", field_5: columns.length }, ...columns.map(describeColumn)],
    field_3: BigInt(rows),
  });
  // The list of groups is written one by one, in place of the end of the struct.
  writer.offset -= 1;
  writer.index -= 1;
  writer.appendUint8((1 << 4) | LIST);
  writer.appendUint8((15 << 4) | STRUCT);
  writer.appendVarInt(notes.length);
  let offset = MAGIC.length;
  let footerBytes = 0;
  for (const note of notes) {
    const { rows: groupRows, chunks } = parseNote(note);
    const described = columns.map((column, at) => {
      const { compressedBytes = 0, uncompressedBytes = 0 } = chunks[at] ?? {};
      const chunk = { offset, compressedBytes, uncompressedBytes, rows: groupRows };
      offset += compressedBytes;
      return describeChunk(column, chunk, file.compression);
    });
    const listed = chunks.slice(0, columns.length);
    for (const { compressedBytes } of chunks.slice(columns.length)) offset += compressedBytes;
    serializeTCompactProtocol(writer, {
      field_1: described,
      field_2: BigInt(listed.reduce((sum, each) => sum + each.uncompressedBytes, 0)),
      field_3: BigInt(groupRows),
      field_6: BigInt(listed.reduce((sum, each) => sum + each.compressedBytes, 0)),
    });
    if (writer.offset < BLOCK_BYTES) continue;
    blocks.push(writer.getBytes());
    footerBytes += writer.offset;
    writer = new ByteWriter();
  }
  const createdBy = encodeUtf8(file.createdBy);
  writer.appendUint8((2 << 4) | BINARY);
  writer.appendVarInt(createdBy.byteLength);
  writer.appendBytes(createdBy);
  writer.appendUint8(STOP);
  writer.appendUint32(footerBytes + writer.offset);
  writer.appendBytes(encodeUtf8(MAGIC));
  return [...blocks, writer.getBytes()];
}

function describeColumn({ name, type }: FileColumn): Record<`field_${number}`, unknown> {
  return {
    field_1: TYPES[type],
    field_3: OPTIONAL,
    field_4: name,
    ...(type === "text" && UTF8),
  };
}

function describeChunk(
  { name, type }: FileColumn,
  chunk: { offset: number; compressedBytes: number; uncompressedBytes: number; rows: number },
  compression: Compression,
): Record<`field_${number}`, unknown> {
  const offset = BigInt(chunk.offset);
  return {
    field_2: offset,
    field_3: {
      field_1: TYPES[type],
      field_2: [PLAIN, RLE],
      field_3: [name],
      field_4: CODECS[compression],
      field_5: BigInt(chunk.rows),
      field_6: BigInt(chunk.uncompressedBytes),
      field_7: BigInt(chunk.compressedBytes),
      field_9: offset,
    },
  };
}
