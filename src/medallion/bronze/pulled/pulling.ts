import { PULL_BATCH } from '../../../core/model/project.ts';
import { type Column, SOURCE_FILE_COLUMN } from '../../../core/model/table.ts';
import type { Snapshot } from '../../../core/ports/lake.ts';
import type { LandingPlace } from '../../../core/ports/landing-place.ts';
import type { Position, PullContext, PulledSource } from '../../../core/ports/pulled-source.ts';
import { canonicalColumns } from '../../../core/types/stored-columns.ts';
import type { RunContext } from '../../context.ts';
import { knownColumns } from '../columns.ts';
import type { BronzeNode, BronzeStep } from '../step.ts';
import type { Standing } from './standing.ts';

/** A step of a source that is asked, with the source and its landing place open. */
export interface Pulling {
  readonly step: BronzeStep;
  readonly source: PulledSource;
  readonly place: LandingPlace;
  /** The quarantine was ahead of the table before decisions were carried out: a crash left entries of a batch that never came. */
  readonly quarantine_ahead?: boolean;
}

/** What a source is told when it is asked to look or to pull. */
export function pullContext(
  run: Pick<RunContext, 'project' | 'now_ms' | 'signal' | 'temp_folder' | 'redact' | 'notice'>,
  node: BronzeNode,
  standing: Pick<Standing, 'position' | 'expected'> & { readonly committed?: Standing['committed'] },
  more: { readonly columns?: readonly Column[] | undefined; readonly from_raw?: boolean } = {},
): PullContext {
  const { records, bytes, wait_ms } = node.spec.batch ?? PULL_BATCH;
  return {
    name: node.name,
    root: run.project.root,
    now_ms: run.now_ms,
    signal: run.signal,
    temp_folder: run.temp_folder,
    position: standing.position ?? undefined,
    ...(standing.committed == null ? {} : { committed: standing.committed }),
    expected: standing.expected,
    ...(more.columns === undefined ? {} : { columns: more.columns }),
    limits: { records_max: records, bytes_max: bytes, wait_ms },
    from_raw: more.from_raw === true,
    redact: run.redact,
    note: (text) => run.notice(`${node.name}: ${run.redact(text)}`),
  };
}

/** The columns that records will be read into: declared, published, or those that the system itself declares. */
export async function columnsFor(
  { step, source }: Pulling,
  snapshot: Snapshot | undefined,
  context: PullContext,
): Promise<readonly Column[] | undefined> {
  const known = knownColumns(step, snapshot);
  if (known !== undefined || source.columns === undefined) return known;
  const own = await source.columns(context);
  if (own === undefined) return undefined;
  return [...canonicalColumns(own, step.node.key), { name: SOURCE_FILE_COLUMN, type: 'varchar', nullable: true }];
}

/** The same text for the same position, whatever the order of its members. */
export function positionText(position: Position | null): string {
  return JSON.stringify(position, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
}
