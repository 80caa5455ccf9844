import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataflowError } from '../../../core/errors/dataflow-error.ts';
import type { AskedEnrich } from '../../../core/model/enrich.ts';
import type { Lookup, LookupReply } from '../../../core/ports/lookup.ts';
import { type AskedKey, Asking } from './asking.ts';

const spec = (concurrency: number): AskedEnrich => ({
  lookup: 'http',
  name: 'enrich_region',
  add: { region: { from: '$.region' } },
  on_failure: 'quarantine',
  on_null: 'keep',
  columns: ['pays'],
  question: 'GET /pays/{pays}',
  cache_days: 30,
  concurrency,
  failed_max_pct: 50,
  options: {},
});
const keyOf = (name: string): AskedKey => ({ key: JSON.stringify([name]), texts: [name] });
const UNREACHABLE: LookupReply = {
  kind: 'unreachable',
  reason: 'no answer',
  error: new DataflowError('E_SOURCE_UNREACHABLE', 'nobody listens there'),
};

/** Asks for the keys of a system that replies as `replyTo` says, after a few turns of the event loop. */
async function asked(
  keys: readonly string[],
  replyTo: (key: string, asked: number) => LookupReply,
  { concurrency = 3, known }: { concurrency?: number; known?: string } = {},
) {
  const answered: string[] = [];
  const failed: string[] = [];
  const questions: string[] = [];
  let now = 0;
  let most = 0;
  const lookup: Lookup = {
    ask: async ({ pays = '' }) => {
      questions.push(pays);
      const nth = questions.length;
      most = Math.max(most, ++now);
      for (let turn = 0; turn < nth % 3; turn++) await new Promise((done) => setImmediate(done));
      now -= 1;
      return replyTo(pays, nth);
    },
    probe: () => Promise.resolve({ ok: true, words: '' }),
    close: () => Promise.resolve(),
  };
  const events = {
    answered: ({ texts }: AskedKey) => void answered.push(texts[0] ?? ''),
    failed: ({ texts }: AskedKey) => void failed.push(texts[0] ?? ''),
    knownKey: () => (known === undefined ? undefined : keyOf(known)),
  };
  const asking = new Asking(lookup, spec(concurrency), events, {
    signal: new AbortController().signal,
    note: () => undefined,
  });
  let error: unknown;
  try {
    await asking.ask(keys.map(keyOf));
    await asking.finish();
  } catch (caught) {
    error = caught;
  }
  return { answered, failed, questions, most, error };
}

const answer: LookupReply = { kind: 'answer', values: ['EU'] };
const names = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);

describe('asking for keys', () => {
  it('tells keys that never get an answer from a system that is down, whatever comes first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.constantFrom('poison', 'refused', 'good'), { minLength: 40, maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        async (count, kinds, concurrency) => {
          const keys = names(count);
          const kindOf = (key: string) => kinds[Number(key.slice(1))] ?? 'good';
          const reply = (key: string): LookupReply => {
            if (key === 'known') return answer;
            if (kindOf(key) === 'poison') return UNREACHABLE;
            return kindOf(key) === 'refused' ? { kind: 'refused', reason: '404' } : answer;
          };
          const result = await asked(keys, reply, { concurrency, known: 'known' });
          expect(result.error).toBeUndefined();
          expect([...result.answered].sort()).toEqual(keys.filter((key) => kindOf(key) === 'good').sort());
          expect([...result.failed].sort()).toEqual(keys.filter((key) => kindOf(key) !== 'good').sort());
          expect(result.most).toBeLessThanOrEqual(concurrency);
          // Each key once; what is asked again is asked to see whether anybody answers.
          for (const key of keys.filter((one) => kindOf(one) === 'poison'))
            expect(result.questions.filter((one) => one === key)).toHaveLength(1);
        },
      ),
    );
  });

  it('no key fails when the system goes down and stays down; it is not asked for all the rest', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 1, max: 8 }), async (up_for, concurrency) => {
        const reply = (_: string, nth: number) => (nth <= up_for ? answer : UNREACHABLE);
        const result = await asked(names(200), reply, { concurrency });
        expect(result.error).toMatchObject({
          code: 'E_SOURCE_UNREACHABLE',
          message: expect.stringContaining('taken to be down'),
        });
        expect(result.failed).toEqual([]);
        expect(result.answered).toHaveLength(up_for);
        expect(result.questions.length).toBeLessThanOrEqual(up_for + 5 + 2 * concurrency);
      }),
    );
  });

  it('a single key without an answer, and nothing ever answered: nobody can tell, so nothing is put aside', async () => {
    const result = await asked(['k0'], () => UNREACHABLE);
    expect(result.error).toMatchObject({ message: expect.stringContaining('taken to be down') });
    expect(result.failed).toEqual([]);
  });

  it('what concerns every key ends it at once', async () => {
    const denied = new DataflowError('E_SOURCE_DENIED', 'status 401');
    const result = await asked(names(50), () => {
      throw denied;
    });
    expect(result.error).toBe(denied);
    expect(result.questions.length).toBeLessThanOrEqual(3);
  });
});
