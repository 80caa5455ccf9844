import { text } from './cells.ts';
import type { Connection } from './connection.ts';
import { corrupt } from './errors.ts';

/** Pages, records and what indexes say of them; reads the whole file. @throws DataflowError E_LEDGER_CORRUPT */
export function checkIntegrity(connection: Connection): void {
  refuseDamage(connection, 'integrity_check');
}

/** `quick_check` does not hold indexes against their tables. @throws DataflowError E_LEDGER_CORRUPT */
export function refuseDamage(connection: Connection, check: 'quick_check' | 'integrity_check'): void {
  const finding = text(connection.get(`pragma ${check}(1)`) ?? {}, check);
  if (finding !== 'ok') throw corrupt(connection.file, finding.split('\n').at(-1) ?? finding);
}
