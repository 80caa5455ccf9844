import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { bareHost, OutboundRefusal } from '../../kit/outbound.ts';

type Lookup = (
  host: string,
  options: LookupOptions,
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/** Addresses inside of organisations: a cluster seldom has only one kind of them. */
const INNER = new Set(['private', 'uniqueLocal', 'carrierGradeNat']);

/** Where a connection is made to. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * Which hosts may be asked. NameNodes are configured and trusted. What they name as a DataNode is only believed so far: with `datanode_hosts` these hosts
 * and no others; without, any public address, and addresses that are as private as the NameNodes' own.
 */
export class HostRules {
  readonly #name_hosts: ReadonlySet<string>;
  readonly #declared: ReadonlyMap<string, string> | undefined;
  /** Kinds of addresses that NameNodes have. */
  readonly #seen = new Set<string>();

  constructor(urls: readonly string[], datanode_hosts: Readonly<Record<string, string>> | undefined) {
    const hosts = urls.map((url) => bareHost(new URL(url).hostname));
    this.#name_hosts = new Set(hosts);
    for (const host of hosts) if (isIP(host) !== 0) this.#seen.add(kindOf(host));
    this.#declared =
      datanode_hosts === undefined
        ? undefined
        : new Map(Object.entries(datanode_hosts).map(([name, where]) => [bareHost(name), where]));
  }

  /** Where a redirect really leads. @throws OutboundRefusal */
  target(url: URL): Target {
    const host = bareHost(url.hostname);
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80);
    const declared = this.#declaration(host);
    if (declared !== undefined) return placed(declared, port);
    if (this.#declared !== undefined && !this.#name_hosts.has(host))
      throw new OutboundRefusal(host, undefined, 'is not among `datanode_hosts`');
    if (isIP(host) !== 0 && !this.#isAllowed(host, host)) throw refused(host, host);
    return { host, port };
  }

  /** Addresses of a NameNode, remembered by their kind. */
  readonly nameLookup: Lookup = (host, options, done) => {
    resolve(host, options, done, (address) => {
      this.#seen.add(kindOf(address));
      return true;
    });
  };

  /** Addresses of a DataNode; one that is not to be reached is an OutboundRefusal. @param declared the configuration names its address */
  dataLookup(declared: boolean): Lookup {
    return (host, options, done) => {
      resolve(host, options, done, (address) => declared || this.#isAllowed(bareHost(host), address));
    };
  }

  isDeclared(url: URL): boolean {
    return this.#declaration(bareHost(url.hostname)) !== undefined;
  }

  #declaration(host: string): string | undefined {
    for (const [name, where] of this.#declared ?? [])
      if (name === host || (name.startsWith('*.') && host.endsWith(name.slice(1)))) return where;
    return undefined;
  }

  #isAllowed(host: string, address: string): boolean {
    const kind = kindOf(address);
    if (kind === 'unicast' || this.#name_hosts.has(host) || this.#seen.has(kind)) return true;
    return INNER.has(kind) && (this.#seen.has('loopback') || [...INNER].some((inner) => this.#seen.has(inner)));
  }
}

function refused(host: string, address: string): OutboundRefusal {
  return new OutboundRefusal(
    host,
    address,
    `is a ${kindOf(address)} address and the NameNodes have none: name it in \`datanode_hosts\` if it is meant`,
  );
}

function kindOf(address: string): string {
  return ipaddr.isValid(address) ? ipaddr.process(address).range() : 'reserved';
}

/** `host`, `host:port` or `[address]:port`. */
function placed(text: string, port: number): Target {
  const [, host = text, own] = /^(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text) ?? [];
  return { host: bareHost(host), port: own === undefined ? port : Number(own) };
}

function resolve(
  host: string,
  options: LookupOptions,
  done: Parameters<Lookup>[2],
  allowed: (address: string) => boolean,
): void {
  lookup(host, { ...options, all: true }, (error, addresses) => {
    if (error !== null) return done(error, []);
    const bad = addresses.find(({ address }) => !allowed(address));
    const [first] = addresses;
    if (bad !== undefined) return done(refused(host, bad.address), []);
    if (options.all === true || first === undefined) return done(null, addresses);
    return done(null, first.address, first.family);
  });
}
