/** What Java leaves as it is in the path of an address; beyond ASCII it leaves everything. */
const QUOTED = /[^\w\-.!~'()*,;:$&+=@/\u0080-\uffff]/g;

/** An address as Spark tells it of a file (`_metadata.file_path`): `file:///data/a%20b.parquet` for `file:///data/a b.parquet`. */
export function toldAddress(address: string): string {
  const [, before = '', path = ''] = /^([a-z0-9]+:\/\/[^/]*)?(.*)$/is.exec(address) ?? [];
  return (
    before + path.replaceAll(QUOTED, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  );
}

/** SQL: the address of the file that a row comes from; Hadoop writes that of a local file with one slash or three. */
export const TOLD_ADDRESS = "REGEXP_REPLACE(_metadata.file_path, '^file:/+', 'file:///')";

/** A folder's name `column=value` as Hive writes it, without what it escapes. */
export function partitionText(folder: string): string | null {
  const value = folder.slice(folder.indexOf('=') + 1);
  if (value === '__HIVE_DEFAULT_PARTITION__') return null;
  return value.replaceAll(/%([0-9A-Fa-f]{2})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
