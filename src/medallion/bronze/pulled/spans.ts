import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { batchTxn, expectedOf, type PulledOutcome, rowsOfSpans, streamTxn } from '../../../core/model/pulled.ts';
import type { SealedUnit } from '../../../core/ports/landing-place.ts';
import type { Span } from '../../../core/ports/pulled-source.ts';

type SpannedUnit = Pick<SealedUnit, 'name' | 'spans' | 'records' | 'unreadable'>;

/**
 * The spans of a batch, one a stream, when those of its units go on from what is expected without gap or overlap and hold as many records as the
 * units do.
 * @throws DataflowError E_INTERNAL: the connector broke its promise; nothing is committed.
 */
export function joinSpans(
  source: string,
  units: readonly SpannedUnit[],
  expected: ReadonlyMap<string, number>,
): readonly Span[] {
  const joined = new Map<string, Span>();
  for (const unit of units) {
    if (unit.spans.length === 0) continue;
    const records = rowsOfSpans(unit.spans);
    if (records !== unit.records + unit.unreadable)
      throw broken(source, `unit ${unit.name} holds ${unit.records + unit.unreadable} records, its spans ${records}`);
    for (const span of unit.spans) {
      const before = joined.get(span.stream);
      const from = before?.next ?? expected.get(span.stream) ?? span.from;
      if (span.from !== from)
        throw broken(source, `${span.stream} was to go on at ${from}, but unit ${unit.name} begins at ${span.from}`);
      if (span.next - span.from !== span.records + span.holes || span.holes < 0)
        throw broken(
          source,
          `${span.stream} ${span.from}..${span.next} is not ${span.records} records and ${span.holes} holes`,
        );
      joined.set(span.stream, {
        stream: span.stream,
        from: before?.from ?? span.from,
        next: span.next,
        holes: (before?.holes ?? 0) + span.holes,
        records: (before?.records ?? 0) + span.records,
        ...joinedRows(before, span),
        ...joinedReason(before, span),
      });
    }
  }
  return [...joined.values()];
}

function joinedRows(before: Span | undefined, span: Span): Pick<Span, 'rows'> {
  if (before?.rows === undefined && span.rows === undefined) return {};
  return { rows: rowsOfSpans(before === undefined ? [span] : [before, span]) };
}

function joinedReason(before: Span | undefined, span: Span): Pick<Span, 'reason'> {
  const reasons = [before?.reason, span.reason].filter((reason) => reason !== undefined);
  return reasons.length === 0 ? {} : { reason: reasons.join('; ') };
}

function broken(source: string, what: string): DataflowError {
  return new DataflowError('E_INTERNAL', `source ${source}: ${what}`, {
    kept: 'nothing was committed; what was landed lies where it was',
  });
}

interface UnitOfWork {
  readonly app_id: string;
  readonly version: number;
}

/**
 * A redo goes back in all its streams at once, also in those of which its first batch holds nothing: a span without numbers says where each goes on.
 */
export function spansBack(
  source: string,
  spans: readonly Span[],
  found: ReadonlyMap<string, number>,
  expected: ReadonlyMap<string, number>,
): readonly Span[] {
  const spanned = new Set(spans.map(({ stream }) => stream));
  return [...expectedOf(source, found)].flatMap(([stream, next]) => {
    const back = expected.get(stream);
    if (back === undefined || back === next || spanned.has(stream)) return [];
    return [{ stream, from: back, next: back, holes: 0, records: 0 }];
  });
}

/**
 * The batch and its streams; the table must stand where it stood when the batch was begun. After a batch that replaces everything nothing is expected
 * (-1) of a stream that it does not hold: an earlier number would skip what is new there.
 */
export function unitsOfWork(
  { source, sequence, spans, replaces }: Pick<PulledOutcome, 'source' | 'sequence' | 'spans' | 'replaces'>,
  found: ReadonlyMap<string, number>,
): { readonly txns: readonly UnitOfWork[]; readonly expected_txns: readonly UnitOfWork[] } {
  const spanned = new Set(spans.map(({ stream }) => stream));
  const forgotten = replaces === true ? [...expectedOf(source, found).keys()].filter((one) => !spanned.has(one)) : [];
  const txns = [
    { app_id: batchTxn(source), version: sequence },
    ...spans.map(({ stream, next }) => ({ app_id: streamTxn(source, stream), version: next })),
    ...forgotten.map((stream) => ({ app_id: streamTxn(source, stream), version: -1 })),
  ];
  return { txns, expected_txns: txns.map(({ app_id }) => ({ app_id, version: found.get(app_id) ?? -1 })) };
}
