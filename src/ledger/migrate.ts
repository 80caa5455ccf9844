import { DataflowError } from '../core/errors/dataflow-error.ts';
import { integer } from './cells.ts';
import type { Connection } from './connection.ts';
import { corrupt } from './errors.ts';
import type { Migration } from './migration.ts';
import { firstMigration } from './migrations/0001-first.ts';
import { explainMigration } from './migrations/0002-explain.ts';
import { sourcesMigration } from './migrations/0003-sources.ts';
import { lookupsMigration } from './migrations/0004-lookups.ts';
import { destinationsMigration } from './migrations/0005-destinations.ts';
import { quarantineRunsMigration } from './migrations/0006-quarantine-runs.ts';
import { returnedMigration } from './migrations/0007-returned.ts';
import { parityMigration } from './migrations/0008-parity.ts';
import { pagesMigration } from './migrations/0009-pages.ts';
import { alertsMigration } from './migrations/0010-alerts.ts';

export const MIGRATIONS: readonly Migration[] = [
  firstMigration,
  explainMigration,
  sourcesMigration,
  lookupsMigration,
  destinationsMigration,
  quarantineRunsMigration,
  returnedMigration,
  parityMigration,
  pagesMigration,
  alertsMigration,
];

/** `DFLO` in ASCII: marks the file as our ledger (`PRAGMA application_id`, shown by `file`). */
export const APPLICATION_ID = 0x44464c4f;

/**
 * Brings the database to the newest format, all steps in one transaction, or leaves it as it is when it is there already.
 * @throws DataflowError E_LEDGER_NEWER when a newer dataflow wrote it, E_LEDGER_CORRUPT when it is not a ledger.
 */
export function migrate(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): void {
  if (pendingOf(connection, migrations).length === 0) return;
  connection.transaction(() => {
    // Asked again under the write lock: another process may have migrated meanwhile.
    for (const migration of pendingOf(connection, migrations)) {
      connection.exec(migration.sql);
      connection.exec(`pragma user_version = ${migration.version}`);
    }
  });
}

/** The same for a reader, which cannot migrate. @throws DataflowError E_LEDGER_READ_ONLY when it would have to. */
export function requireMigrated(connection: Connection, migrations: readonly Migration[] = MIGRATIONS): void {
  if (pendingOf(connection, migrations).length === 0) return;
  throw new DataflowError('E_LEDGER_READ_ONLY', 'the ledger has an older format and is open for reading only', {
    place: { file: connection.file },
    hint: 'Run any command that writes, such as `dataflow run`: it brings the ledger up to date.',
  });
}

/** Touches the schema and a page of data, so that gross damage shows now and not in the middle of a run. */
export function probe(connection: Connection): void {
  connection.get('select 1 as found from runs order by seq desc limit 1');
  connection.get('select 1 as found from steps order by seq desc limit 1');
  connection.get('select 1 as found from inputs limit 1');
}

function pendingOf(connection: Connection, migrations: readonly Migration[]): readonly Migration[] {
  const application = pragma(connection, 'application_id');
  if (application !== APPLICATION_ID) throw corrupt(connection.file, 'it is a database of another program');
  const version = pragma(connection, 'user_version');
  const newest = migrations.at(-1)?.version ?? 0;
  if (version > newest) throw newer(connection.file, version, newest);
  return migrations.filter((migration) => migration.version > version);
}

function pragma(connection: Connection, name: 'application_id' | 'user_version'): number {
  return integer(connection.get(`pragma ${name}`) ?? {}, name);
}

/** Never migrated down: an older program would lose what it does not know. */
function newer(file: string, version: number, newest: number): DataflowError {
  return new DataflowError(
    'E_LEDGER_NEWER',
    `the ledger has format ${version}; this dataflow knows formats up to ${newest}`,
    {
      place: { file },
      kept: 'the ledger was not changed',
    },
  );
}
