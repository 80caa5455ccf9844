import type { DestinationLedger } from '../core/ports/destination-ledger.ts';
import type { Connection } from './connection.ts';
import { loadLedger } from './loads.ts';
import { mirrorLedger } from './mirrors.ts';
import { streamLedger } from './streams.ts';

export function destinationLedger(connection: Connection): DestinationLedger {
  return { streams: streamLedger(connection), loads: loadLedger(connection), mirrors: mirrorLedger(connection) };
}
