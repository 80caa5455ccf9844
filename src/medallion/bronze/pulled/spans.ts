import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import { rowsOfSpans } from '../../../core/model/pulled.ts';
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
