import { createHash, randomBytes } from 'node:crypto';
import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { SERVE_SPEC } from '../../core/model/serve.ts';
import type { ServedRequest } from '../../core/ports/server.ts';
import type { Invocation } from '../command-spec.ts';
import { EXIT_DONE } from '../exit-codes.ts';
import { loadProjectFor } from '../shared/open.ts';

/** `serve`: answers until it is asked to stop. */
export async function serve(invocation: Invocation): Promise<number> {
  const { rooms, options, printer, signal } = invocation;
  if (options['newToken'] === true) return newToken(invocation);
  const { project } = await loadProjectFor(invocation);
  const { host, port } = project.serve ?? SERVE_SPEC;
  const server = await rooms.startServer(project, {
    host: options['host'] === undefined ? host : String(options['host']),
    port: portFrom(options['port']) ?? port,
    log: logTo(invocation),
    note: (text) => printer.warn(text),
  });
  printer.note(`serving ${project.name} at ${server.url}`);
  printer.note(
    server.release_id === undefined
      ? 'there is no release yet: /ready says so until the first run has succeeded'
      : `release ${server.release_id}; what there is to ask: ${server.url}/docs`,
  );
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await server.close();
  printer.note('stopped');
  return EXIT_DONE;
}

/** Lines for people at a terminal; JSON for machines. */
function logTo({ printer }: Invocation): (line: ServedRequest) => void {
  if (printer.format !== 'table')
    return (line) => printer.note(JSON.stringify({ time: new Date().toISOString(), ...line }));
  return ({ method, path, params, status, ms, reader, error, request_id }) => {
    const asked = params.length === 0 ? path : `${path}?${params.join('&')}`;
    const who = reader === undefined || reader === 'anybody' ? '' : ` ${reader}`;
    printer.note(`${method} ${asked} ${status} ${ms} ms${who}${error === undefined ? '' : ` ${request_id}: ${error}`}`);
  };
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
