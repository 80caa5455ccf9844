import { hostname, networkInterfaces } from 'node:os';
import type { FastifyRequest } from 'fastify';
import { DataflowError } from '../core/errors/dataflow-error.ts';
import type { ServeSpec } from '../core/model/serve.ts';

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/;

/** True for an address at which only this machine is heard. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(host);
}

/**
 * Refuses requests that are addressed to a name which is not the server's: a page elsewhere can make its name lead to this machine (DNS
 * rebinding), and its visitors' browsers would ask for it. Also refuses what a page of an origin that is not listed asks.
 */
export function addressGuard(spec: ServeSpec, host: string): (request: FastifyRequest) => void {
  const names = new Set(['localhost', '127.0.0.1', '[::1]', ...spec.hosts.map((one) => one.toLowerCase())]);
  if (!isLoopback(host)) for (const name of ownNames(host)) names.add(name);
  const origins = new Set(spec.cors);
  return ({ headers: { host: asked = '', origin } }) => {
    const name = asked.toLowerCase().replace(/:\d+$/, '');
    if (!names.has(name) && !names.has(asked.toLowerCase()))
      throw new DataflowError('E_SERVE_ORIGIN', 'the server is not known by the name that was asked for');
    if (origin === undefined || origins.has(origin) || isOwnPage(origin, asked)) return;
    throw new DataflowError('E_SERVE_ORIGIN', 'pages of this origin may not ask');
  };
}

/** Whether a page came from the server itself. */
export function isOwnPage(origin: string, asked: string): boolean {
  return origin === `http://${asked}` || origin === `https://${asked}`;
}

/** The machine's names and addresses, for a server that listens at one of them or at all. */
function ownNames(host: string): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list?.map((one) => one.address) ?? []);
  return [host, hostname(), ...addresses].map((one) => (one.includes(':') ? `[${one}]` : one).toLowerCase());
}
