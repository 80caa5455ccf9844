import type { Ledger } from '../core/ports/ledger.ts';
import { alertLedger } from './alerts.ts';
import type { Connection } from './connection.ts';
import { lookupLedger } from './lookups.ts';
import { pageLedger } from './pages.ts';
import { parityLedger } from './parity.ts';
import { tallyLedger } from './tallies.ts';

type Spare = Pick<Ledger, 'lookups' | 'parity' | 'tallies' | 'alerts' | 'pages'>;

export function spareLedger(connection: Connection): Spare {
  return {
    lookups: lookupLedger(connection),
    parity: parityLedger(connection),
    alerts: alertLedger(connection),
    tallies: tallyLedger(connection),
    pages: pageLedger(connection),
  };
}
