import type { SpareLedger } from '../core/ports/spare-ledger.ts';
import type { Connection } from './connection.ts';
import { lookupLedger } from './lookups.ts';
import { parityLedger } from './parity.ts';
import { tallyLedger } from './tallies.ts';

export function spareLedger(connection: Connection): SpareLedger {
  return { lookups: lookupLedger(connection), parity: parityLedger(connection), tallies: tallyLedger(connection) };
}
