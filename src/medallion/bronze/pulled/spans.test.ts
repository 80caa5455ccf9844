import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expectedOf, pulledFrom, streamTxn } from '../../../core/model/pulled.ts';
import type { Span } from '../../../core/ports/pulled-source.ts';
import { positionText } from './pulling.ts';
import { joinSpans, spansBack, unitsOfWork } from './spans.ts';

/** Stretches of three streams, cut into units; each stretch goes on where the one before of its stream ended. */
const units = fc
  .array(
    fc.array(
      fc.record({
        stream: fc.constantFrom('t/0', 't/1', 'u:v/2'),
        records: fc.nat({ max: 50 }),
        holes: fc.nat({ max: 5 }),
        unreadable: fc.nat({ max: 3 }),
      }),
      { maxLength: 4 },
    ),
    { maxLength: 6 },
  )
  .map((batches) => {
    const next = new Map<string, number>();
    return batches.map((stretches, index) => {
      const spans = stretches.map(({ stream, records, holes, unreadable }): Span => {
        const from = next.get(stream) ?? 7;
        const all = records + unreadable;
        next.set(stream, from + all + holes);
        return { stream, from, next: from + all + holes, holes, records: all };
      });
      const unreadable = stretches.reduce((sum, one) => sum + one.unreadable, 0);
      return { name: `u${index}`, spans, unreadable, records: stretches.reduce((sum, one) => sum + one.records, 0) };
    });
  });

const START: ReadonlyMap<string, number> = new Map([['t/0', 7]]);

describe('spans of a batch', () => {
  it('are joined to one a stream, and lose nothing, however the units were cut', () => {
    fc.assert(
      fc.property(units, (list) => {
        const joined = joinSpans('s', list, START);
        const total = (pick: (span: Span) => number, spans: readonly Span[]) =>
          spans.reduce((sum, span) => sum + pick(span), 0);
        const all = list.flatMap((unit) => unit.spans);
        expect(new Set(joined.map((span) => span.stream)).size).toBe(joined.length);
        expect(total((span) => span.records, joined)).toBe(total((span) => span.records, all));
        expect(total((span) => span.next - span.from, joined)).toBe(total((span) => span.next - span.from, all));
        for (const span of joined) expect(span.next - span.from).toBe(span.records + span.holes);
        // Cut into two batches at any place, the second goes on where the first one ended.
        for (let at = 0; at <= list.length; at++) {
          const first = joinSpans('s', list.slice(0, at), START);
          const after = new Map([...START, ...first.map((span) => [span.stream, span.next] as const)]);
          const second = joinSpans('s', list.slice(at), after);
          const ends = new Map([...after, ...second.map((span) => [span.stream, span.next] as const)]);
          for (const span of joined) expect(ends.get(span.stream)).toBe(span.next);
        }
      }),
    );
  });

  it('a gap, an overlap, a wrong sum or a wrong count of records is refused', () => {
    fc.assert(
      fc.property(units, fc.nat(), fc.constantFrom('gap', 'overlap', 'sum', 'count'), (list, where, fault) => {
        const places = list.flatMap((unit, u) => unit.spans.map((_, s) => [u, s] as const));
        fc.pre(places.length > 0);
        const [u, s] = places[where % places.length] ?? [0, 0];
        const broken = list.map((unit, index) => {
          if (index !== u) return unit;
          const spans = unit.spans.map((span, i) => (i === s ? damage(span, fault) : span));
          return fault === 'count' ? { ...unit, records: unit.records + 1 } : { ...unit, spans };
        });
        // A stream that the lake has never seen may begin anywhere.
        const seen = new Map([...START, ['t/1', 7], ['u:v/2', 7]] as const);
        expect(() => joinSpans('s', broken, seen)).toThrow(/source s: /);
      }),
    );
  });
});

function damage(span: Span, fault: string): Span {
  if (fault === 'gap') return { ...span, from: span.from + 1, next: span.next + 1 };
  if (fault === 'overlap') return { ...span, from: span.from - 1, next: span.next - 1 };
  return fault === 'sum' ? { ...span, next: span.next + 1 } : span;
}

describe('positions', () => {
  it('are compared without regard to the order of their members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (position) => {
        const turned = Object.fromEntries(Object.entries(position).reverse());
        expect(positionText(turned)).toBe(positionText(position));
        expect(positionText(JSON.parse(JSON.stringify(position)))).toBe(positionText(position));
      }),
    );
  });

  it('come back from a commit note as they were', () => {
    fc.assert(
      fc.property(units, fc.dictionary(fc.string({ minLength: 1 }), fc.jsonValue()), (list, position) => {
        fc.pre(!Object.hasOwn(position, '__proto__'));
        const pulled = { source: 's', sequence: 3, position, spans: joinSpans('s', list, START), raw: ['ab'] };
        const text = JSON.stringify(pulled);
        expect(pulledFrom(JSON.parse(text), 'pulled')).toEqual(JSON.parse(text));
      }),
    );
  });

  it('next numbers are found among the units of work of a table, whatever streams are called', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.nat())), (streams) => {
        const txns = new Map<string, number>(streams.map(([stream, next]) => [streamTxn('s', stream), next]));
        txns.set('pulled:s', 4).set(streamTxn('other', 'x'), 9);
        expect(expectedOf('s', txns)).toEqual(new Map(streams));
      }),
    );
  });
});

describe('numbers of streams in the table', () => {
  const span = (stream: string, from: number, next: number): Span => ({
    stream,
    from,
    next,
    holes: 0,
    records: next - from,
  });
  const found = new Map([
    ['pulled:s', 4],
    [streamTxn('s', 't/0'), 200],
    [streamTxn('s', 't/1'), 80],
    [streamTxn('s', 't/2'), 7],
    [streamTxn('other', 't/1'), 9],
  ]);
  const numbersAfter = (
    spans: readonly Span[],
    expected: ReadonlyMap<string, number>,
    replaces: { replaces?: true } = {},
  ) => {
    const all = [...spans, ...spansBack('s', spans, found, expected)];
    const { txns, expected_txns } = unitsOfWork({ source: 's', sequence: 5, spans: all, ...replaces }, found);
    for (const { app_id, version } of expected_txns) expect(version).toBe(found.get(app_id) ?? -1);
    return expectedOf('s', new Map([...found, ...txns.map(({ app_id, version }) => [app_id, version] as const)]));
  };

  it('are those of the batch, the others stay', () => {
    const next = numbersAfter([span('t/0', 200, 210), span('t/3', 0, 1)], expectedOf('s', found));
    expect([...next].sort()).toEqual([
      ['t/0', 210],
      ['t/1', 80],
      ['t/2', 7],
      ['t/3', 1],
    ]);
    expect(spansBack('s', [], found, expectedOf('s', found))).toEqual([]);
  });

  it('go back with a redo also where its first batch holds nothing of a stream', () => {
    const back = new Map([
      ['t/0', 100],
      ['t/1', 50],
      ['t/2', 0],
    ]);
    expect([...numbersAfter([span('t/0', 100, 150)], back)].sort()).toEqual([
      ['t/0', 150],
      ['t/1', 50],
      ['t/2', 0],
    ]);
  });

  it('are forgotten by a batch that replaces everything', () => {
    expect([...numbersAfter([span('t/0', 0, 5)], new Map(), { replaces: true })]).toEqual([['t/0', 5]]);
  });
});
