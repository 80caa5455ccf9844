import { gunzipSync } from 'node:zlib';
import type { Compressors, FileMetaData } from 'hyparquet';

/** The Parquet reader's own parts, loaded when a checkpoint is read. */
export type ParquetParts = Awaited<ReturnType<typeof parquetParts>>;

export async function parquetParts(metadata: FileMetaData) {
  const [{ parquetHeader }, { decompressPage, readDataPage, readDataPageV2 }, { readPlain }, convert] =
    await Promise.all([
      import('hyparquet/src/column.js'),
      import('hyparquet/src/datapage.js'),
      import('hyparquet/src/plain.js'),
      import('hyparquet/src/convert.js'),
    ]);
  const parsers = convert.DEFAULT_PARSERS;
  const compressors = await compressorsOf(metadata);
  return { parquetHeader, readPlain, decompressPage, readDataPage, readDataPageV2, parsers, compressors };
}

async function compressorsOf({ row_groups }: FileMetaData): Promise<Compressors> {
  const compressors: Compressors = {
    GZIP: (input, length) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
  };
  if (!row_groups.some(({ columns }) => columns.some(({ meta_data }) => meta_data?.codec === 'ZSTD')))
    return compressors;
  const { ZSTDDecoder } = await import('zstddec');
  const zstd = new ZSTDDecoder();
  await zstd.init();
  return { ...compressors, ZSTD: (input, length) => zstd.decode(input, length) };
}
