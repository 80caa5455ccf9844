import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EngineSession } from '../../core/ports/engine.ts';
import { quoteIdent } from '../../kit/sql.ts';
import { parseRecords, type RecordPlaces } from '../bronze/records.ts';

/**
 * Defines `apart` (`_id` and the columns as texts): records of `matched` taken apart under the layouts of their files. A record that has too many or too
 * few cells is not in it. Returns the relation's name, for `defineCells`.
 */
export async function takeApart(
  session: EngineSession,
  columns: readonly string[],
  temp_folder: string,
): Promise<string> {
  await session.materialize(
    'numbered',
    'select *, row_number() over (order by quarantine_id) as n from matched where raw is not null',
  );
  await session.define(
    'to_parse',
    'select n, raw, cast(null as varchar) as mended, cast(null as varchar) as mended_raw, layout from numbered',
  );
  const texts = columns.map((name) => ({ name, type: 'varchar', nullable: true }));
  await parseRecords(session, texts, localPlaces(temp_folder), { drift_stays: false, dialect: {} });
  const cells = columns.map((name) => `g.${quoteIdent(name)}`).join(', ');
  await session.materialize(
    'apart',
    `select m.quarantine_id as _id, ${cells} from good_records g join numbered m on m.n = g._mend`,
  );
  return 'apart';
}

/** Folders for looking only: nothing in them is ever published. */
export function localPlaces(temp_folder: string): RecordPlaces {
  let count = 0;
  return {
    temp_folder,
    folder: async (part) => {
      const folder = join(temp_folder, `${part}-${++count}`);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      return folder;
    },
  };
}
