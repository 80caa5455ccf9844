import { matchesGlob } from '../../kit/glob.ts';
import type { LoadRecord } from './load.ts';
import type { MirrorStanding } from './mirror.ts';
import type { Project } from './project.ts';
import type { StreamPosition } from './stream.ts';

interface AnyDestination {
  /** Name of the entry of `streams:`, `loads:` or `mirrors:`. */
  readonly name: string;
  /** The table that it is fed from. */
  readonly table: string;
  /** The version of the table that it holds as a whole; null: none yet. */
  readonly version: number | null;
}

/** Where rows of a table go once they are published in the lake. */
export type Destination = AnyDestination &
  (
    | { readonly kind: 'stream'; readonly topic: string }
    /** `as`: the table's name there. */
    | { readonly kind: 'load'; readonly connection: string; readonly as: string }
    | { readonly kind: 'mirror'; readonly connection: string }
  );

/** What the ledger knows of destinations. */
export interface KnownDestinations {
  readonly streams: { position(stream: string): StreamPosition | undefined };
  readonly loads: { records(): readonly LoadRecord[] };
  readonly mirrors: { standings(): readonly MirrorStanding[] };
}

/** The destinations of these tables, in the order of the project. */
export function destinationsOf(
  { streams = {}, loads = {}, mirrors = {} }: Pick<Project, 'streams' | 'loads' | 'mirrors'>,
  known: KnownDestinations,
  tables: ReadonlySet<string>,
): readonly Destination[] {
  const out = Object.entries(streams).flatMap(([name, { from, topic }]): readonly Destination[] => {
    if (!tables.has(from)) return [];
    const version = known.streams.position(name)?.version ?? -1;
    return [{ name, kind: 'stream', topic, table: from, version: version < 0 ? null : version }];
  });
  const records = Object.keys(loads).length === 0 ? [] : known.loads.records();
  const loaded = Object.entries(loads).flatMap(([name, { connection, tables: patterns, overrides }]) =>
    [...tables]
      .filter((table) => patterns.some((pattern) => matchesGlob(pattern, table)))
      .map((table): Destination => {
        const record = records.find((one) => one.load === name && one.table === table);
        const as = overrides[table]?.as ?? table.slice(table.indexOf('.') + 1);
        return { name, kind: 'load', connection, as, table, version: record?.version ?? null };
      }),
  );
  const standings = new Map(known.mirrors.standings().map((one) => [one.mirror, one]));
  const mirrored = Object.entries(mirrors).flatMap(([name, { connection, tables: patterns }]) =>
    [...tables]
      .filter((table) => patterns.some((pattern) => matchesGlob(pattern, table)))
      .map((table): Destination => {
        const version = standings.get(name)?.tables[table] ?? null;
        return { name, kind: 'mirror', connection, table, version };
      }),
  );
  return [...out, ...loaded, ...mirrored];
}

/** `stream events (topic t)`, `load warehouse (clients at erp)`, `mirror minio`: for people. */
export function destinationName(destination: Destination): string {
  if (destination.kind === 'stream') return `stream ${destination.name} (topic ${destination.topic})`;
  if (destination.kind === 'mirror') return `mirror ${destination.name}`;
  return `load ${destination.name} (${destination.as} at ${destination.connection})`;
}
