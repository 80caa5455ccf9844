import type { MirroredFile, MirrorStanding } from '../core/model/mirror.ts';
import type { MirrorLedger } from '../core/ports/mirror-ledger.ts';
import { integer, optional, optionalInteger, text } from './cells.ts';
import type { Connection } from './connection.ts';
import type { SqlRow } from './sqlite.ts';

/** What each mirror holds. */
export function mirrorLedger(connection: Connection): MirrorLedger {
  return {
    standings: () =>
      connection
        .guard(() => connection.all('select standing from mirrors order by mirror'))
        .map((row) => JSON.parse(text(row, 'standing')) as MirrorStanding),
    stand: (standing) =>
      connection.transaction(() => {
        connection.run(
          'insert into mirrors (mirror, standing) values (?, ?) on conflict (mirror) do update set standing = excluded.standing',
          standing.mirror,
          JSON.stringify(standing),
        );
      }),
    files: (mirror) =>
      connection.guard(
        () =>
          new Map(
            connection
              .all('select path, size_bytes, sha256, modified_ms, mark from mirror_files where mirror = ?', mirror)
              .map((row) => [text(row, 'path'), fileFrom(row)]),
          ),
      ),
    record: (mirror, files) =>
      connection.transaction(() => {
        for (const file of files) put(connection, mirror, file);
      }),
    forget: (mirror, paths) =>
      connection.transaction(() => {
        if (paths === undefined) {
          connection.run('delete from mirror_files where mirror = ?', mirror);
          connection.run('delete from mirrors where mirror = ?', mirror);
        }
        for (const path of paths ?? [])
          connection.run('delete from mirror_files where mirror = ? and path = ?', mirror, path);
      }),
  };
}

function put(connection: Connection, mirror: string, file: MirroredFile): void {
  connection.run(
    `insert into mirror_files (mirror, path, size_bytes, sha256, modified_ms, mark) values (?, ?, ?, ?, ?, ?)
     on conflict (mirror, path) do update set size_bytes = excluded.size_bytes, sha256 = excluded.sha256,
       modified_ms = excluded.modified_ms, mark = excluded.mark`,
    ...[mirror, file.path, file.size_bytes, file.sha256, file.modified_ms ?? null, file.mark],
  );
}

function fileFrom(row: SqlRow): MirroredFile {
  return {
    path: text(row, 'path'),
    size_bytes: integer(row, 'size_bytes'),
    sha256: text(row, 'sha256'),
    ...optional('modified_ms', optionalInteger(row, 'modified_ms')),
    mark: text(row, 'mark'),
  };
}
