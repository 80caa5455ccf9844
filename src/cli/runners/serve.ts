import { createHash, randomBytes } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { SERVE_SPEC } from '../../core/model/serve.ts';
import type { Invocation } from '../command-spec.ts';
import { EXIT_DONE } from '../exit-codes.ts';
import { loadProjectFor } from '../shared/open.ts';
import { ownCommand } from '../shared/own-command.ts';
import { openServeLog } from './serve-log.ts';

/** `serve`: answers until it is asked to stop. */
export async function serve(invocation: Invocation): Promise<number> {
  const { rooms, options, signal } = invocation;
  if (options['newToken'] === true) return newToken(invocation);
  const { project } = await loadProjectFor(invocation);
  const { host, port } = project.serve ?? SERVE_SPEC;
  const store = options['store'] === 'lake' ? undefined : String(options['store']);
  const log = await openServeLog(invocation);
  const server = await rooms.startServer(project, {
    host: options['host'] === undefined ? host : String(options['host']),
    port: portFrom(options['port']) ?? port,
    dashboard: options['dashboard'] !== false,
    ...(store === undefined ? {} : { store }),
    commandOf: ownCommand(options),
    log: (line) => log.request(line),
    note: (text) => log.warn(text),
  });
  log.note(`serving ${project.name} at ${server.url}`);
  if (server.store !== undefined) log.note(`tables are those that load ${store} put at ${server.store}`);
  log.note(
    server.release_id === undefined
      ? `there is no release yet: /ready says so until the first ${store === undefined ? 'run' : 'load'} has succeeded`
      : `release ${server.release_id}; what there is to ask: ${server.url}/docs`,
  );
  if (server.dashboard) log.note(`dashboard: ${server.url}/`);
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  const cut = await server.close(drainMs(options['drainSeconds']));
  if (cut > 0) log.warn(`${cut} ${cut === 1 ? 'request was' : 'requests were'} cut off at the end of the time`);
  log.note('stopped');
  await log.end();
  return EXIT_DONE;
}

function drainMs(value: unknown = 10): number {
  const seconds = /^\d{1,4}$/.test(String(value)) ? Number(value) : Number.NaN;
  if (seconds <= 3600) return seconds * 1000;
  throw new DataflowError('E_USAGE', `--drain-seconds: write a whole number from 0 to 3600, not ${String(value)}`);
}

function portFrom(value: unknown): number | undefined {
  if (value === undefined) return undefined;
  const port = /^\d{1,5}$/.test(String(value)) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  throw new DataflowError('E_USAGE', `--port: ${String(value)} is no port: write a number from 0 to 65535`);
}

function newToken({ printer }: Invocation): number {
  const token = randomBytes(32).toString('base64url');
  const hash = `sha256:${createHash('sha256').update(token).digest('hex')}`;
  printer.report({
    document: { token, hash },
    sections: [{ columns: [{ name: 'token' }, { name: 'hash' }], rows: [{ token, hash }] }],
  });
  printer.note('The token is shown this once: give it to who asks, and put the hash into serve.tokens.');
  return EXIT_DONE;
}
