import type { PulledOutcome, PulledStanding } from '../core/model/pulled.ts';
import type { StepRecord } from '../core/ports/ledger.ts';
import type { Position } from '../core/ports/pulled-source.ts';
import type { SourceLedger } from '../core/ports/source-ledger.ts';
import { integer, optional, optionalText, text } from './cells.ts';
import type { Connection } from './connection.ts';
import { looksSince, putLooks } from './looks.ts';
import type { SqlRow } from './sqlite.ts';

/** Where each source that is asked stands, and what a service saw of it. */
export function sourceLedger(connection: Connection, now: () => number): SourceLedger {
  const iso = (): string => new Date(now()).toISOString();
  return {
    position: (source) => connection.guard(() => positionOf(connection, source)),
    positions: () => connection.guard(() => allPositions(connection)),
    recordAhead: (source, sequence, ahead) =>
      connection.hastyTransaction(() => putAhead(connection, source, sequence, ahead, iso())),
    recordLooks: (looks) => connection.hastyTransaction(() => putLooks(connection, looks)),
    looks: (source, since_ms) => connection.guard(() => looksSince(connection, source, since_ms)),
  };
}

/** Enters where a source stands after a publish. */
export function putPosition(connection: Connection, step: StepRecord, pulled: PulledOutcome): void {
  connection.run(
    `insert into source_positions (source, sequence, position, ahead, content, version, records, committed_at)
     values (?, ?, ?, null, ?, ?, ?, ?)
     on conflict (source) do update set sequence = excluded.sequence, position = excluded.position, ahead = null,
       content = excluded.content, version = excluded.version, records = excluded.records, committed_at = excluded.committed_at`,
    pulled.source,
    pulled.sequence,
    JSON.stringify(pulled.position),
    pulled.content ?? null,
    step.output_version ?? -1,
    step.balance?.rows_in ?? 0,
    step.finished_at ?? step.started_at,
  );
}

function putAhead(connection: Connection, source: string, sequence: number, ahead: Position, now_iso: string): void {
  // Before the first batch there is no record yet.
  if (sequence === 0)
    connection.run(
      `insert into source_positions (source, sequence, position, version, records, committed_at) values (?, 0, '{}', -1, 0, ?)
       on conflict (source) do nothing`,
      source,
      now_iso,
    );
  connection.run(
    'update source_positions set ahead = ?, looked_at = ? where source = ? and sequence = ?',
    JSON.stringify(ahead),
    now_iso,
    source,
    sequence,
  );
}

const SELECT =
  'select source, sequence, position, ahead, content, version, records, committed_at from source_positions';

function positionOf(connection: Connection, source: string): PulledStanding | undefined {
  const row = connection.get(`${SELECT} where source = ?`, source);
  return row === undefined ? undefined : standingOf(row);
}

function allPositions(connection: Connection): readonly PulledStanding[] {
  return connection.all(`${SELECT} order by source`).map(standingOf);
}

function standingOf(row: SqlRow): PulledStanding {
  const ahead = optionalText(row, 'ahead');
  return {
    source: text(row, 'source'),
    sequence: integer(row, 'sequence'),
    position: JSON.parse(text(row, 'position')) as Position,
    ...(ahead === undefined ? {} : { ahead: JSON.parse(ahead) as Position }),
    ...optional('content', optionalText(row, 'content')),
    version: integer(row, 'version'),
    records: integer(row, 'records'),
    committed_at: text(row, 'committed_at'),
  };
}
