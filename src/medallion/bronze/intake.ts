import { DataflowError } from '../../core/errors/dataflow-error.ts';
import { withArchive } from '../../core/model/member-path.ts';
import type { CsvDialect } from '../../core/ports/engine.ts';
import type { InputRecord } from '../../core/ports/ledger.ts';
import type {
  Discovery,
  InputUnit,
  Inspection,
  KnownInput,
  OpenedArchive,
  Source,
  SourceContext,
  UnitProblem,
} from '../../core/ports/source.ts';
import { faultPoint } from '../../kit/fault.ts';
import { identified } from './in-place.ts';
import type { BronzeStep } from './step.ts';
import { leaveUndone } from './undone.ts';

/** A unit that was inspected and may be loaded. */
export interface AcceptedUnit {
  readonly unit: InputUnit;
  readonly inspection: Inspection;
  /** Its rows replace those that were loaded under the same name before. */
  readonly replaces: boolean;
}

/** What the discovery and the inspection of a source came to. */
export interface Intake {
  readonly accepted: readonly AcceptedUnit[];
  /** Refused as a whole; they go to quarantine with their reason. */
  readonly refused: readonly {
    readonly unit: InputUnit;
    readonly inspection: Inspection | undefined;
    readonly problem: UnitProblem;
  }[];
  /** Same bytes as a unit loaded under another name, or the same name with an unchanged hash. */
  readonly known: readonly InputRecord[];
  readonly discovery: Discovery;
}

/** Inspections that may run at the same time; the pass is bound by CPU and disk, not by waiting. A source that computes says so. */
const INSPECTIONS_MAX = 2;

/** Looks at every new or changed unit once: identity by content, integrity, our own record count. The rows of `gone` units are about to go. */
export async function takeIn(
  step: BronzeStep,
  source: Source,
  context: SourceContext,
  discovery: Discovery,
  known: ReadonlyMap<string, KnownInput>,
  gone: readonly string[],
): Promise<Intake> {
  const first = await takeUnits(step, source, context, discovery, known, new Set(gone));
  // A file whose content goes away may have had a twin that was not loaded because of it: the twin's turn comes now.
  const going = new Set([...first.accepted.filter((one) => one.replaces).map((one) => one.unit.path), ...gone]);
  const orphans =
    going.size === 0
      ? []
      : step.run.ledger
          .inputs(step.node.name)
          .filter((input) => input.same_as !== undefined && going.has(input.same_as));
  if (orphans.length === 0) return first;
  const without = new Map(known);
  for (const { path } of orphans) for (const one of withArchive(path)) without.delete(one);
  const paths = new Set(orphans.map((orphan) => orphan.path));
  const again = await source.discover(without, context);
  const { archives: _, ...others } = again;
  const twins = { ...others, fresh: again.fresh.filter((unit) => paths.has(unit.path)) };
  const second = await takeUnits(step, source, context, twins, without, going);
  return {
    ...first,
    accepted: [...first.accepted, ...second.accepted],
    refused: [...first.refused, ...second.refused],
    known: [...first.known, ...second.known],
  };
}

async function takeUnits(
  step: BronzeStep,
  source: Source,
  context: SourceContext,
  discovery: Discovery,
  known: ReadonlyMap<string, KnownInput>,
  going: ReadonlySet<string>,
): Promise<Intake> {
  const pinned = step.run.ledger.dialect(step.node.name);
  const found = await inspectAll(step, source, discovery.fresh, context, pinned);
  const inspected = await identified(found, context.in_place);
  faultPoint('after-inspect');
  const inspections = leaveUndone(step, discovery.fresh, inspected);
  const accepted: AcceptedUnit[] = [];
  const { refused, records } = openedArchives(step, discovery);
  const seen = new Map<string, string>();
  for (const [index, unit] of discovery.fresh.entries()) {
    const inspection = inspections[index];
    if (inspection === undefined) continue;
    const before = known.get(unit.path);
    const loaded = step.anew ? undefined : step.run.ledger.inputByHash(step.node.name, inspection.sha256)?.path;
    const twin = seen.get(inspection.sha256) ?? (loaded !== undefined && going.has(loaded) ? undefined : loaded);
    if (inspection.problem !== undefined) refused.push({ unit, inspection, problem: inspection.problem });
    else if (twin !== undefined) records.push(sameBytes(step, unit, inspection, twin, before));
    else if (before?.status === 'loaded' && step.node.spec.on_rewrite === 'error') throw rewritten(unit);
    else
      accepted.push({
        unit,
        inspection,
        replaces: before?.status === 'loaded' && step.node.spec.on_rewrite === 'replace',
      });
    if (inspection.problem === undefined && twin === undefined) seen.set(inspection.sha256, unit.path);
  }
  return { accepted, refused, known: records, discovery };
}

async function inspectAll(
  { run, node }: BronzeStep,
  source: Source,
  units: readonly InputUnit[],
  context: SourceContext,
  pinned: CsvDialect | undefined,
): Promise<readonly (Inspection | undefined)[]> {
  const results: (Inspection | undefined)[] = new Array<Inspection | undefined>(units.length).fill(undefined);
  const bytes_expected = units.reduce((sum, unit) => sum + unit.size_bytes, 0);
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let index = next++; index < units.length; index = next++) {
      context.signal?.throwIfAborted();
      const unit = units[index];
      if (unit === undefined) continue;
      results[index] = await source.inspect(unit, context, pinned);
      const rows = results[index]?.records ?? 0;
      run.took?.(node.key, { doing: 'inspecting', rows, bytes: unit.size_bytes, bytes_expected });
    }
  };
  const at_once = source.computes === true ? Math.max(1, context.threads ?? 1) : INSPECTIONS_MAX;
  await Promise.all(Array.from({ length: Math.min(at_once, units.length) }, worker));
  return results;
}

function openedArchives(
  step: BronzeStep,
  { archives = [] }: Discovery,
): { readonly refused: Intake['refused'][number][]; readonly records: InputRecord[] } {
  return {
    refused: archives.flatMap((one) =>
      one.problem === undefined ? [] : [{ unit: one.unit, inspection: unread(one), problem: one.problem }],
    ),
    records: archives.filter((one) => one.problem === undefined).map((one) => openedRecord(step, one)),
  };
}

/** Archives that were refused before and are sound now: what the quarantine says of them is over. */
export function mendedArchives(
  { archives = [] }: Discovery,
  known: ReadonlyMap<string, KnownInput>,
): readonly string[] {
  return archives
    .filter(({ unit, problem }) => problem === undefined && known.get(unit.path)?.status === 'quarantined')
    .map(({ unit }) => unit.path);
}

/** An archive that was looked into, as the ledger remembers it: like a duplicate it brings nothing that is not loaded under another name. */
function openedRecord(step: BronzeStep, archive: OpenedArchive): InputRecord {
  const files = archive.members === 1 ? '1 file' : `${archive.members} files`;
  return {
    ...inputRecord(step, archive.unit, unread(archive), 'duplicate'),
    reason: `an archive of ${files}, which are inputs of their own`,
  };
}

function unread({ unit, sha256 }: OpenedArchive): Inspection {
  return {
    sha256,
    size_bytes: unit.size_bytes,
    expanded_bytes: unit.size_bytes,
    records: 0,
    first_record_line: 1,
    multiline_records: false,
    encoding: 'binary',
    notes: [],
  };
}

function sameBytes(
  step: BronzeStep,
  unit: InputUnit,
  inspection: Inspection,
  twin: string,
  before: KnownInput | undefined,
): InputRecord {
  const itself = twin === unit.path;
  return {
    ...inputRecord(step, unit, inspection, itself ? (before?.status ?? 'loaded') : 'duplicate'),
    ...(itself ? {} : { same_as: twin, reason: `same content as ${twin}, which is loaded` }),
  };
}

/** The ledger's record of a unit. */
export function inputRecord(
  step: BronzeStep,
  unit: InputUnit,
  inspection: Inspection | undefined,
  status: InputRecord['status'],
): InputRecord {
  return {
    source: step.node.name,
    path: unit.path,
    size_bytes: unit.size_bytes,
    mtime_ns: unit.mtime_ns,
    inode: unit.inode,
    sha256: inspection?.sha256 ?? '',
    status,
    run_id: step.run.run_id,
    records: inspection?.records ?? 0,
    rejected: 0,
    first_record_line: inspection?.first_record_line ?? 1,
    multiline_records: inspection?.multiline_records ?? false,
    ...(inspection?.record_lines === undefined ? {} : { record_lines: inspection.record_lines }),
  };
}

function rewritten(unit: InputUnit): DataflowError {
  return new DataflowError('E_SOURCE_REWRITTEN', `${unit.path} was loaded before and has new content now`, {
    place: { file: unit.path },
  });
}
