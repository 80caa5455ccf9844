import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { type Item, itemsOf, type Scalar } from './ask.ts';
import { csvRecords, fieldsOf } from './csv-page.ts';
import type { HttpOptions } from './options.ts';

const FILE_BYTES_MAX = 50_000_000;

/**
 * What is asked for, one after the other.
 * @throws DataflowError E_SOURCE_IO, E_CONFIG_INVALID
 */
export async function readItems(options: HttpOptions, root: string): Promise<readonly Item[]> {
  const { for_each } = options;
  if (for_each === undefined || Array.isArray(for_each)) return itemsOf(options, for_each);
  return itemsOf(options, await readTable(resolve(root, for_each.file), for_each.file));
}

async function readTable(path: string, shown: string): Promise<readonly Readonly<Record<string, Scalar>>[]> {
  const body = await readFile(path).catch((cause: unknown) => {
    throw new DataflowError('E_SOURCE_IO', `for_each: ${shown} cannot be read (${(cause as { code?: string }).code})`, {
      cause,
    });
  });
  if (body.length > FILE_BYTES_MAX)
    throw new DataflowError('E_CONFIG_INVALID', `for_each: ${shown} is larger than 50 MB`);
  const { layout, records } = csvRecords(body, ',');
  const header = layout.format === 'csv' ? layout.header : [];
  const rows: Record<string, Scalar>[] = [];
  for (let at = 0; at < records.length; at += 2) {
    const fields = fieldsOf(body.toString('utf8', records[at], records[at + 1]), ',');
    if (fields.length !== header.length)
      throw new DataflowError(
        'E_CONFIG_INVALID',
        `for_each: record ${at / 2 + 1} of ${shown} has ${fields.length} fields, its header ${header.length}`,
      );
    rows.push(Object.fromEntries(header.map((name, index) => [name, fields[index] ?? ''])));
  }
  if (rows.length === 0) throw new DataflowError('E_CONFIG_INVALID', `for_each: ${shown} has no records`);
  return rows;
}
