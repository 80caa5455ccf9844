import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import type { EngineSession } from '../../core/ports/engine.ts';
import type { InputUnit, Inspection } from '../../core/ports/source.ts';
import { engineFile } from '../../medallion/bronze/engine-file.ts';
import { ID } from '../../medallion/decide/mend.ts';
import type { Rooms } from '../rooms.ts';

/** Encodings that can be named; `auto`: a byte order mark decides, else it has to be UTF-8. */
export const EDITED_ENCODINGS = ['auto', 'utf-8', 'utf-16', 'latin-1', 'windows-1252'] as const;
export type EditedEncoding = (typeof EDITED_ENCODINGS)[number];

/** Options of the source that reads an edited export: what a spreadsheet makes of a CSV file is found out, not asked. */
const OPTIONS = {
  compression: 'auto',
  encoding: 'auto',
  quote: '"',
  header: true,
  skip_lines: 0,
  settle_seconds: 0,
  max_file_bytes: 4_000_000_000,
  max_expanded_bytes: 16_000_000_000,
  max_ratio: 200,
  max_line_bytes: 16 * 1024 * 1024,
};

/**
 * Binds `edited`: the rows of an edited export, every cell as text, read by the same way in as any input file. Returns its columns, lower-case
 * name → name. @throws DataflowError E_USAGE when it cannot be read as such.
 */
export async function bindEdited(
  rooms: Rooms,
  session: EngineSession,
  file: string,
  wanted: readonly string[],
  temp_folder: string,
  encoding: EditedEncoding = 'auto',
): Promise<ReadonlyMap<string, string>> {
  const { unit, inspection } = await inspect(rooms, file, temp_folder, encoding);
  const names = inspection.header ?? membersOf(file, inspection) ?? [ID, 'raw', ...wanted];
  const columns = names.map((name) => ({ name, type: 'varchar', nullable: true }));
  const parsed = await session.parse({
    format: unit.format,
    files: [
      {
        id: unit.path,
        ...engineFile(unit, inspection),
      },
    ],
    ...(inspection.dialect === undefined ? {} : { dialect: inspection.dialect }),
    ...(inspection.header === undefined ? {} : { header: inspection.header }),
    ...(inspection.multiline_records ? { multiline_records: true } : {}),
    columns,
    target: { folder: await folderIn(temp_folder, 'edited'), columns },
    reject_folder: await folderIn(temp_folder, 'edited-rejects'),
  });
  const counts = [...parsed.per_file.values()];
  const rejected = counts.reduce((sum, one) => sum + one.rejected, 0);
  if (rejected > 0) throw unreadable(file, `${rejected} of its records cannot be read`);
  await session.bind({ name: 'edited', columns, files: parsed.candidates });
  const found = new Map(names.map((name) => [name.toLowerCase(), name]));
  if (!found.has(ID)) throw unreadable(file, `it has no column ${ID}`);
  const [twice] = await session.rows(
    `select ${ID} as id from edited where ${ID} is not null group by 1 having count(*) > 1 limit 1`,
  );
  if (twice !== undefined) throw unreadable(file, `${ID} ${String(twice['id'])} is in it more than once`);
  return new Map(
    [...found].map(([key, name]): [string, string] => [wanted.find((one) => one.toLowerCase() === key) ?? key, name]),
  );
}

/**
 * The members that a file of JSON has: what is not there was not edited. That a member is empty and that it is not there look the same once the file is
 * read, so each record must have all of them.
 */
function membersOf(file: string, { fields, records }: Inspection): readonly string[] | undefined {
  const lacking = fields?.find((field) => (field.records ?? records) < records);
  if (lacking !== undefined)
    throw unreadable(file, `${lacking.name} is in ${lacking.records} of its ${records} records only`);
  return fields?.map(({ name }) => name);
}

/** A copy is read: the name may hold what a glob would take for a pattern, and an editor may still write to the file. */
async function inspect(
  rooms: Rooms,
  file: string,
  temp_folder: string,
  encoding: EditedEncoding,
): Promise<{ readonly unit: InputUnit; readonly inspection: Inspection }> {
  const name = `edited${/\.(?:gz|zst)$/.test(file) ? `${extname(basename(file, extname(file)))}${extname(file)}` : extname(file)}`;
  try {
    await copyFile(file, join(temp_folder, name));
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    if (missing)
      throw new DataflowError('E_USAGE', `there is no file ${file}`, {
        hint: 'Make one with: dataflow quarantine export TABLE --to rows.csv, and edit its cells.',
      });
    throw new DataflowError('E_SOURCE_IO', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const source = await rooms.createSource({
    type: 'files',
    schema_change: 'freeze',
    on_rewrite: 'error',
    tags: [],
    options: { ...OPTIONS, encoding, path: name },
  });
  const context = { root: temp_folder, temp_folder, now_ms: Date.now(), rehash: false };
  const found = await source.discover(new Map(), context);
  const unit = found.fresh[0];
  if (unit === undefined)
    throw unreadable(file, found.refused[0]?.reason ?? 'its name must end in .csv, .ndjson or .parquet');
  if (encoding === 'auto' && unit.format === 'csv') await refuseOtherEncoding(file, join(temp_folder, name), unit);
  const inspection = await source.inspect(unit, context);
  if (inspection.problem !== undefined) throw unreadable(file, inspection.problem.reason);
  return { unit, inspection };
}

/**
 * A wrong guess would make corrections of cells that nobody touched, so the encoding of a file that is not UTF-8 has to be said.
 */
async function refuseOtherEncoding(file: string, copy: string, unit: InputUnit): Promise<void> {
  if (unit.compression !== 'none') return;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of createReadStream(copy, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>) {
    if (rest.length === 0 && (chunk.readUInt16BE(0) === 0xfeff || chunk.readUInt16BE(0) === 0xfffe)) return;
    const bytes = Buffer.concat([rest, chunk]);
    const end = bytes.lastIndexOf(0x0a) + 1;
    if (!isUtf8(bytes.subarray(0, end))) throw notUtf8(file);
    rest = bytes.subarray(end);
  }
  if (!isUtf8(rest)) throw notUtf8(file);
}

function notUtf8(file: string): DataflowError {
  return new DataflowError('E_USAGE', `${file} is not UTF-8`, {
    hint: 'Save it as UTF-8, or say what it is: --encoding windows-1252 (a spreadsheet on Windows), latin-1 or utf-16.',
  });
}

async function folderIn(temp_folder: string, name: string): Promise<string> {
  const folder = join(temp_folder, name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  return folder;
}

function unreadable(file: string, why: string): DataflowError {
  return new DataflowError('E_USAGE', `${file} cannot be taken as an edited export: ${why}`, {
    hint: 'Make one with: dataflow quarantine export TABLE --to rows.csv, and edit its cells.',
  });
}
