import { statSync } from 'node:fs';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { Lock, LockHolder } from '../core/ports/ledger.ts';
import { livenessOf, type ProcessIdentity, thisProcess } from '../kit/process-identity.ts';
import { integer, optionalText, text } from './cells.ts';
import type { Connection } from './connection.ts';
import { refuseDamage } from './integrity.ts';
import type { SqlRow } from './sqlite.ts';

/** A lock holder is about to write, so the database is checked as a whole first, unless that would be felt. */
const CHECKED_BYTES_MAX = 16 * 1024 * 1024;

/**
 * Takes the lock of a scope. The row stays when the lock is released, so that tokens only grow; a new ledger starts them at the
 * clock's milliseconds, so that they also grow over a rebuild, which loses the old ones.
 * @throws DataflowError E_LOCKED unless the lock is free or its holder is provably dead on this host.
 */
export function takeLock(connection: Connection, scope: string, command: string, now_ms: number): Lock {
  quickCheck(connection);
  const file_id = fileId(connection.file);
  const token = connection.transaction(() => {
    const row = connection.get('select * from locks where scope = ?', scope);
    if (row !== undefined && integer(row, 'held') === 1) requireDead(holderOf(row), connection.file);
    const next = Math.max(row === undefined ? 0 : integer(row, 'token') + 1, now_ms);
    const here = thisProcess();
    connection.run(
      `insert or replace into locks (scope, token, held, pid, host, boot_id, process_start, pid_namespace, since, command)
       values (?, ?, 1, ?, ?, ?, ?, ?, ?, ?)`,
      scope,
      next,
      here.pid,
      here.host,
      here.boot_id,
      here.process_start,
      here.pid_namespace,
      new Date(now_ms).toISOString(),
      command,
    );
    return next;
  });
  return {
    scope,
    token,
    check: () => checkHeld(connection, scope, token, file_id),
    release: () => releaseQuietly(connection, scope, token),
  };
}

export function lockHolders(connection: Connection): readonly LockHolder[] {
  return connection.all('select * from locks where held = 1 order by scope').map(holderOf);
}

function quickCheck(connection: Connection): void {
  if ((statSync(connection.file, { throwIfNoEntry: false })?.size ?? 0) > CHECKED_BYTES_MAX) return;
  refuseDamage(connection, 'quick_check');
}

/** Fencing: the token in the database, and the database itself (a rebuild puts another file in its place). */
function checkHeld(connection: Connection, scope: string, token: number, file_id: string | undefined): void {
  if (fileId(connection.file) !== file_id) throw lost(scope, 'the ledger was replaced');
  const row = connection.get('select * from locks where scope = ?', scope);
  if (row === undefined || integer(row, 'token') !== token) {
    throw lost(scope, row === undefined ? 'it is not in the ledger' : `${describe(holderOf(row))} took it over`);
  }
  if (integer(row, 'held') !== 1) throw lost(scope, 'it was released');
}

/**
 * Never throws, since it runs when something else may have failed. A lock that could not be released is free anyway as soon as
 * this process ends.
 */
function releaseQuietly(connection: Connection, scope: string, token: number): void {
  try {
    connection.run('update locks set held = 0 where scope = ? and token = ?', scope, token);
  } catch (error) {
    if (!(error instanceof DataflowError)) throw error;
  }
}

type Holder = LockHolder & { readonly state: NonNullable<LockHolder['state']> };

function holderOf(row: SqlRow): Holder {
  const identity: ProcessIdentity = {
    pid: integer(row, 'pid'),
    host: text(row, 'host'),
    boot_id: optionalText(row, 'boot_id') ?? null,
    process_start: optionalText(row, 'process_start') ?? null,
    pid_namespace: optionalText(row, 'pid_namespace') ?? null,
  };
  return {
    scope: text(row, 'scope'),
    pid: identity.pid,
    host: identity.host,
    since: text(row, 'since'),
    command: text(row, 'command'),
    state: livenessOf(identity),
  };
}

function requireDead(holder: Holder, file: string): void {
  if (holder.state === 'dead') return;
  const hint =
    holder.state === 'alive'
      ? 'Wait for it to end, or stop that process.'
      : `Nobody here can tell whether it still runs. Wait for it to end; if ${holder.host} is gone for good, \`dataflow ledger rebuild\` drops its lock.`;
  throw new DataflowError('E_LOCKED', `${holder.scope} is locked by ${describe(holder)}: ${holder.command}`, {
    place: { file },
    kept: 'nothing was changed',
    hint,
  });
}

function describe(holder: LockHolder): string {
  return `pid ${holder.pid} on ${holder.host} since ${holder.since}`;
}

function lost(scope: string, what: string): DataflowError {
  return new DataflowError('E_LOCK_LOST', `the lock ${scope} was lost: ${what}`, {
    kept: 'nothing more was published',
  });
}

function fileId(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}
