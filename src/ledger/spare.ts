import type { SpareLedger } from '../core/ports/spare-ledger.ts';
import type { Connection } from './connection.ts';
import { lookupLedger } from './lookups.ts';
import { parityLedger } from './parity.ts';

export function spareLedger(connection: Connection): SpareLedger {
  return { lookups: lookupLedger(connection), parity: parityLedger(connection) };
}
