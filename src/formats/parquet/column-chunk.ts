import { ByteWriter } from "hyparquet-writer";
import { writePageHeader } from "hyparquet-writer/src/datapage.js";
import { writeRleBitPackedHybrid } from "hyparquet-writer/src/encoding.js";

import type { Compression } from "../../api/export-request.ts";
import { concatBytes } from "../../lib/bytes.ts";
import { gzipFrame } from "../../lib/gzip-frame.ts";
import { zstdFrame } from "../../lib/zstd-frame.ts";
import type { TypedValues } from "./column-values.ts";

/** How Parquet numbers the compressions (`CompressionCodec` in parquet.thrift). */
export const CODECS: Record<Compression, number> = { none: 0, gzip: 2, zstd: 6 };

const COMPRESS: Record<
  Exclude<Compression, "none">,
  (page: Uint8Array) => Uint8Array | Promise<Uint8Array>
> = { gzip: gzipFrame, zstd: zstdFrame };

/** A column in a group of rows, as it is stored: one page with its header. */
export interface ColumnChunk {
  /** Views that are valid until the column's next value is added. */
  bytes: Uint8Array[];
  compressedBytes: number;
  /** Header included, as Parquet counts. */
  uncompressedBytes: number;
}

/** Writes the values of a column that may be NULL. The bytes do not depend on the column's type if all are NULL. */
export async function writeColumnChunk(
  { levels, plain }: Pick<TypedValues, "levels" | "plain">,
  compression: Compression,
): Promise<ColumnChunk> {
  const encoded = new ByteWriter();
  // Filled in below: the length of the levels comes before them.
  encoded.appendUint32(0);
  writeRleBitPackedHybrid(encoded, levels, 1);
  encoded.view.setUint32(0, encoded.offset - 4, true);
  const page = [encoded.getBytes(), plain];
  const pageBytes = encoded.offset + plain.byteLength;
  const body = compression === "none" ? page : [await compressPage(page, compression)];
  const bodyBytes = body.reduce((sum, bytes) => sum + bytes.byteLength, 0);
  const header = new ByteWriter();
  writePageHeader(header, {
    type: "DATA_PAGE",
    uncompressed_page_size: pageBytes,
    compressed_page_size: bodyBytes,
    data_page_header: {
      num_values: levels.length,
      encoding: "PLAIN",
      definition_level_encoding: "RLE",
      repetition_level_encoding: "RLE",
    },
  });
  return {
    bytes: [header.getBytes(), ...body],
    compressedBytes: header.offset + bodyBytes,
    uncompressedBytes: header.offset + pageBytes,
  };
}

async function compressPage(
  page: readonly Uint8Array[],
  compression: Exclude<Compression, "none">,
): Promise<Uint8Array> {
  const whole = concatBytes(page);
  const compressed = await COMPRESS[compression](whole);
  // The garbage collector frees memory outside its own heap late.
  (whole.buffer as ArrayBuffer).transfer(0);
  return compressed;
}
