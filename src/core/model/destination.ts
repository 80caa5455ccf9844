import type { StreamPosition, StreamSpec } from './stream.ts';

/** Where rows of a table go once they are published in the lake. */
export interface Destination {
  /** Name of the entry of `streams:`. */
  readonly name: string;
  readonly kind: 'stream';
  readonly topic: string;
  /** The table that it is fed from. */
  readonly table: string;
  /** The version of the table that it holds as a whole; null: none yet. */
  readonly version: number | null;
}

/** The destinations of these tables, in the order of the project. */
export function destinationsOf(
  streams: Readonly<Record<string, StreamSpec>>,
  positionOf: (stream: string) => StreamPosition | undefined,
  tables: ReadonlySet<string>,
): readonly Destination[] {
  return Object.entries(streams).flatMap(([name, { from, topic }]): readonly Destination[] => {
    if (!tables.has(from)) return [];
    const version = positionOf(name)?.version ?? -1;
    return [{ name, kind: 'stream', topic, table: from, version: version < 0 ? null : version }];
  });
}
