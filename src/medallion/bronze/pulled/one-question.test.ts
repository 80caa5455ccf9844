import { describe, expect, test } from 'vitest';
import type { Landing, Position, PullContext, PulledSource, UnitEnd } from '../../../core/ports/pulled-source.ts';
import { asksOther, ofOneQuestion } from './one-question.ts';

interface Seen {
  position?: Position | undefined;
}

function sourceOf(asks: string | undefined, pulls: PulledSource['pulls'], seen: Seen): PulledSource {
  return {
    pulls,
    ...(asks === undefined ? {} : { asks }),
    look: async (context) => {
      seen.position = context.position;
      return { pending: 'unknown', words: '' };
    },
    pull: async (landing, context) => {
      seen.position = context.position;
      const unit = await landing.open('one', { format: 'ndjson' });
      await unit.close({ records: 0, position: { next: 1 } });
      return { caught_up: true, position: { next: 2 } };
    },
    committed: async (position) => {
      seen.position = position;
    },
    probe: async () => ({ ok: true, words: '' }),
    close: async () => undefined,
  };
}

function landingOf(ends: UnitEnd[]): Landing {
  const writer = {
    write: async () => undefined,
    unreadable: () => undefined,
    size_bytes: 0,
    close: async (end: UnitEnd) => void ends.push(end),
    abandon: async () => undefined,
  };
  return { raw: undefined as never, open: async () => writer };
}

const at = (position: Position | undefined): PullContext => ({ name: 's', position }) as unknown as PullContext;

describe('positions of one question', () => {
  test('carry what was asked in units and results, and the source never sees it', async () => {
    const seen: Seen = {};
    const ends: UnitEnd[] = [];
    const source = ofOneQuestion(sourceOf('table a', 'changes', seen));
    const { position } = await source.pull(landingOf(ends), at(undefined));
    expect(ends[0]?.position).toEqual({ next: 1, _asks: 'table a' });
    expect(position).toEqual({ next: 2, _asks: 'table a' });
    await source.look(at(position));
    expect(seen.position).toEqual({ next: 2 });
    await source.committed?.(position);
    expect(seen.position).toEqual({ next: 2 });
  });

  test('another question does not go on from them', async () => {
    const source = ofOneQuestion(sourceOf('table b', 'changes', {}));
    const before = at({ next: 2, _asks: 'table a' });
    await expect(source.look(before)).rejects.toMatchObject({ code: 'E_SOURCE_CURSOR' });
    await expect(source.pull(landingOf([]), before)).rejects.toThrow(/asks for table b now, but .* table a/);
  });

  test('a whole copy begins anew', async () => {
    const seen: Seen = { position: { next: 9 } };
    const source = ofOneQuestion(sourceOf('table b', 'snapshot', seen));
    await source.pull(landingOf([]), at({ next: 2, _asks: 'table a' }));
    expect(seen.position).toBeUndefined();
  });

  test('positions without a mark, and sources that say nothing, count as before', async () => {
    const seen: Seen = {};
    const source = ofOneQuestion(sourceOf('table b', 'changes', seen));
    await source.look(at({ next: 2 }));
    expect(seen.position).toEqual({ next: 2 });
    const silent = sourceOf(undefined, 'changes', seen);
    expect(ofOneQuestion(silent)).toBe(silent);
    expect(asksOther(silent, { _asks: 'table a' })).toBe(false);
  });
});
