import { lookup } from 'node:dns/promises';

/** NameNodes go on naming a node that died for ten minutes; one that came back is missed. Whoever is named again and refuses costs little. */
const AVOIDED_MS = 120_000;
/** Beyond that it is no node but the way to them. */
const NODES_MAX = 32;
/** What NameNodes say of their nodes is believed so long: many files meet the same dead node at once. */
const ADDRESSES_MS = 10_000;

/** DataNodes that broke off lately, whichever file it was: NameNodes are asked for others. */
export class AvoidedNodes {
  readonly #liveNodes: () => Promise<string | undefined>;
  /** By the host and port that redirects name. */
  readonly #nodes = new Map<string, { readonly address: string; readonly until: number }>();
  #addresses: { readonly until: number; readonly known: Promise<ReadonlyMap<string, string> | undefined> } | undefined;

  /** @param liveNodes what a NameNode's bean tells of them, if it does */
  constructor(liveNodes: () => Promise<string | undefined>) {
    this.#liveNodes = liveNodes;
  }

  /** As `excludedatanodes` takes them; undefined when there are none. */
  list(): string | undefined {
    const now = performance.now();
    for (const [host, { until }] of this.#nodes) if (until <= now) this.#nodes.delete(host);
    return this.#nodes.size === 0 ? undefined : [...this.#nodes.values()].map(({ address }) => address).join();
  }

  async add(host: string): Promise<void> {
    const address = await this.#addressOf(host);
    this.#nodes.delete(host);
    if (address === undefined) return;
    this.#nodes.set(host, { address, until: performance.now() + AVOIDED_MS });
    const [oldest] = this.#nodes.keys();
    if (this.#nodes.size > NODES_MAX && oldest !== undefined) this.#nodes.delete(oldest);
  }

  /** It works. */
  forget(host: string): void {
    this.#nodes.delete(host);
  }

  /**
   * What NameNodes know a node by: the address that blocks go to, which tells the nodes of one machine from each other. Undefined when they know none there,
   * so will not name it. Where they do not tell of their nodes, its IP, of which they take any node.
   */
  async #addressOf(host: string): Promise<string | undefined> {
    const now = performance.now();
    if (this.#addresses === undefined || this.#addresses.until <= now)
      this.#addresses = { until: now + ADDRESSES_MS, known: this.#liveNodes().then(addressesIn) };
    const known = await this.#addresses.known;
    if (known !== undefined) return known.get(host);
    const bare = host.replace(/:\d+$/, '');
    return await lookup(bare).then(
      ({ address }) => address,
      () => bare,
    );
  }
}

type LiveNodes = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Transfer addresses by those of the web, from `{"dn1:9866": {"infoAddr": "10.0.0.7:9864", "infoSecureAddr": "10.0.0.7:0", "xferaddr": "10.0.0.7:9866", …}, …}`. */
function addressesIn(live_nodes: string | undefined): ReadonlyMap<string, string> | undefined {
  const addresses = new Map<string, string>();
  for (const [name, { infoAddr, infoSecureAddr, xferaddr }] of Object.entries(nodesIn(live_nodes)))
    for (const web of [infoAddr, infoSecureAddr]) {
      const [, ip, port] = /^(.*):(\d+)$/.exec(String(web)) ?? [];
      if (ip === undefined || typeof xferaddr !== 'string') continue;
      const own = name.slice(0, name.lastIndexOf(':')).toLowerCase();
      for (const host of [own, ip]) addresses.set(`${host}:${port}`, xferaddr);
    }
  return addresses.size === 0 ? undefined : addresses;
}

function nodesIn(live_nodes: string | undefined): LiveNodes {
  try {
    return JSON.parse(live_nodes ?? '{}') as LiveNodes;
  } catch {
    return {};
  }
}
