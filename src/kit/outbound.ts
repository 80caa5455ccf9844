import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup } from 'node:dns';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';

/** A connection that the rules for going out forbid. */
export class OutboundRefusal extends Error {
  readonly host: string;
  readonly address: string | undefined;
  constructor(host: string, address: string | undefined, why: string) {
    super(`${host}${address === undefined || address === host ? '' : ` (${address})`} ${why}`);
    this.name = 'OutboundRefusal';
    this.host = host;
    this.address = address;
  }
}

/** NAT64 and 6to4 carry an IPv4 address inside: it is that one which is reached. */
const NAT64 = ipaddr.parseCIDR('64:ff9b::/96') as [ipaddr.IPv6, number];

/**
 * True for an address of the open internet. Loopback, private, link-local (cloud metadata among them), shared, multicast and reserved
 * ranges are not, in whichever way they are written.
 */
export function isPublicAddress(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.process(address);
  if (parsed.kind() === 'ipv4') return parsed.range() === 'unicast';
  const six = parsed as ipaddr.IPv6;
  const bytes = six.toByteArray();
  if (six.match(NAT64)) return isPublicAddress(bytes.slice(12).join('.'));
  if (six.range() === '6to4') return isPublicAddress(bytes.slice(2, 6).join('.'));
  return six.range() === 'unicast';
}

/** True when the host itself, as it is written, says that it is private: `localhost`, `127.0.0.1`, `[fe80::1]`, `10.0.0.7`. */
export function isLiterallyPrivate(host: string): boolean {
  const bare = bareHost(host);
  if (isIP(bare) !== 0) return !isPublicAddress(bare);
  return bare === 'localhost' || bare.endsWith('.localhost');
}

/** Brackets, a final dot and letter case do not matter. */
export function bareHost(host: string): string {
  return host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '');
}

type Lookup = (
  host: string,
  options: LookupOptions,
  done: (error: Error | null, address: string | LookupAddress[], family?: number) => void,
) => void;

/**
 * A `lookup` for `net.connect`: it resolves, checks every address and hands on only what may be reached, so the connection goes to the
 * very address that was checked. A literal address does not pass here: ask {@link isPublicAddress} before.
 * @param may_be_private tells of a host whether private addresses are meant.
 */
export function guardedLookup(may_be_private: (host: string) => boolean): Lookup {
  return (host, options, done) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      if (error !== null) return done(error, []);
      const private_one = addresses.find(({ address }) => !isPublicAddress(address));
      if (private_one !== undefined && !may_be_private(host))
        return done(new OutboundRefusal(host, private_one.address, 'is a private address'), []);
      const [first] = addresses;
      if (options.all === true || first === undefined) return done(null, addresses);
      return done(null, first.address, first.family);
    });
  };
}
