import { type StreamPosition, streamPositionFrom } from '../core/model/stream.ts';
import type { StreamLedger } from '../core/ports/stream-ledger.ts';
import { text } from './cells.ts';
import type { Connection } from './connection.ts';

/** Where each stream stands. */
export function streamLedger(connection: Connection): StreamLedger {
  const positions = (): readonly StreamPosition[] => connection.guard(() => allPositions(connection));
  return {
    record: (position) => connection.transaction(() => put(connection, position)),
    position: (stream) => positions().find((one) => one.stream === stream),
    positions,
  };
}

function put(connection: Connection, position: StreamPosition): void {
  connection.run(
    `insert into stream_positions (stream, table_name, version, position, published_at) values (?, ?, ?, ?, ?)
     on conflict (stream) do update set table_name = excluded.table_name, version = excluded.version,
       position = excluded.position, published_at = excluded.published_at`,
    position.stream,
    position.table,
    position.version,
    JSON.stringify(position),
    position.published_at,
  );
}

function allPositions(connection: Connection): readonly StreamPosition[] {
  return connection.all('select position from stream_positions order by stream').flatMap((row) => {
    const position = streamPositionFrom(JSON.parse(text(row, 'position')));
    return position === undefined ? [] : [position];
  });
}
