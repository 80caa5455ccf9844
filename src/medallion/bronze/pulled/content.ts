import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { SourceSpec } from '../../../core/model/project.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';

/**
 * Hash of what a snapshot holds: its bytes in order, and the columns that they are declared to be read into. Where it was cut into units does not matter,
 * because that depends on how fast it came.
 */
export async function contentOf(
  units: readonly SealedUnit[],
  { columns, schema_change }: Pick<SourceSpec, 'columns' | 'schema_change'>,
): Promise<string> {
  const parts: unknown[] = [];
  for (const group of joinable(units)) {
    const [first] = group;
    const sum = (count: (unit: SealedUnit) => number): number => group.reduce((total, unit) => total + count(unit), 0);
    const bytes = group.length === 1 ? first?.sha256 : await hashOf(group.map((unit) => unit.uri));
    parts.push([bytes, first?.layout, sum((unit) => unit.records), sum((unit) => unit.unreadable)]);
  }
  return createHash('sha256')
    .update(JSON.stringify([parts, columns ?? null, schema_change]))
    .digest('hex');
}

/**
 * Units in a row that are lines of the same kind are one text. Not joined: Parquet files, and units that their writer vouches for, which spare a second
 * reading and are cut by size alone.
 */
function joinable(units: readonly SealedUnit[]): readonly (readonly SealedUnit[])[] {
  const groups: SealedUnit[][] = [];
  for (const unit of units) {
    const before = groups.at(-1)?.[0];
    const text = unit.layout.format !== 'parquet' && unit.facts === undefined && before?.facts === undefined;
    const joins = text && JSON.stringify(before?.layout) === JSON.stringify(unit.layout);
    if (joins) groups.at(-1)?.push(unit);
    else groups.push([unit]);
  }
  return groups;
}

async function hashOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}
