// How a test uses a real server. Files test/services/*.test.ts run by `npm run test:services`, which starts what they name:
//
//   describeService('postgresql', (postgresql) => {
//     it('takes rows', async () => { new pg.Client({ connectionString: postgresql.url }) … });
//   });
//
// The server is shared by all files, so take names of your own (`uniqueName('orders')`) for topics, databases, buckets and folders. A test that
// kills or restarts a server takes one of its own: `const own = await ownServer('kafka')` … `own.halt('SIGKILL')`, `own.resume()`, `own.stop()`.
import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { makeLeash } from '../../scripts/services/processes.ts';
import { type RunningServer, startServer } from '../../scripts/services/room.ts';
import { SERVERS, type ServerName, settingsInEnvironment } from '../../scripts/services/servers.ts';
import { type Absence, REASONS_VARIABLE } from './variables.ts';

/** A server as a test sees it. */
export interface Service {
  readonly available: boolean;
  /** Why it is not available. */
  readonly reason: string;
  /** Its first setting: the address in the form that its clients take. Empty if it is not available. */
  readonly url: string;
  /** All its settings, e.g. `DATAFLOW_TEST_KAFKA`. */
  readonly settings: Readonly<Record<string, string>>;
}

/** The server of that name. Name it literally: the run starts what the test files name. */
export function service(name: ServerName): Service {
  const server = SERVERS[name];
  const settings = settingsInEnvironment(server);
  if (settings !== undefined)
    return { available: true, reason: '', url: settings[server.variables[0]] ?? '', settings };
  const reason = absence(name)?.reason ?? `${server.variables[0]} is not set; npm run test:services sets it`;
  return { available: false, reason, url: '', settings: {} };
}

/**
 * A suite that needs a server: skipped with the reason where it cannot be had, failed where it does not start. `needed` are further settings that it needs, which a server that
 * was started otherwise may not have.
 */
export function describeService(
  name: ServerName,
  suite: (service: Service) => void,
  needed: readonly string[] = [],
): void {
  const found = service(name);
  const missing = needed.find((variable) => found.settings[variable] === undefined);
  if (found.available && missing === undefined) describe(name, () => suite(found));
  else if (absence(name)?.failed === true) {
    it(`${name} starts`, () => expect.unreachable(found.reason));
  } else {
    const reason = found.available ? `${missing} is not set` : found.reason;
    describe.skip(`${name} — skipped: ${reason}`, () => suite(found));
  }
}

function absence(name: ServerName): Absence | undefined {
  return (JSON.parse(process.env[REASONS_VARIABLE] ?? '{}') as Record<string, Absence>)[name];
}

/** A server of the test's own, which it may kill; it ends with the test process at the latest. `stop()` it. */
export function ownServer(name: ServerName): Promise<RunningServer> {
  return startServer(SERVERS[name], makeLeash());
}

/** A name that nobody else uses: `orders_3f9a01bc`. */
export function uniqueName(prefix: string): string {
  return `${prefix}_${randomBytes(4).toString('hex')}`;
}
