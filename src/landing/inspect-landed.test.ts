import { mkdtempSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { encodedBatch } from '../../test/support/record-batches.ts';
import { batchHeads, RecordCursor, readBatch } from '../connectors/kafka/record-batch.ts';
import { UnitSequence } from '../connectors/kafka/unit.ts';
import { jsonValues, ndjsonValues, textValues, type ValueReader } from '../connectors/kafka/values.ts';
import type { LandingPlace, SealedUnit } from '../core/ports/landing-place.ts';
import type { Landing, UnitFacts, UnitLayout } from '../core/ports/pulled-source.ts';
import type { InputUnit, Inspection } from '../core/ports/source.ts';
import { inspectors } from '../formats/inspectors.ts';
import { inspectLanded } from './inspect-landed.ts';
import { openLandingPlace } from './open-landing.ts';

let root: string;
let place: LandingPlace;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'dataflow-vouched-'));
  place = openLandingPlace({ state_folder: root, source: 's', inspectors });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const AS = { path: 's/1', mtime_ns: '0', inode: '0', compression: 'none', format: 'ndjson', size_bytes: 0 } as const;
const COLUMNS = [
  { name: 'id', type: 'bigint', nullable: true },
  { name: 'at', type: 'date', nullable: true },
  { name: 'name', type: 'varchar', nullable: true },
];
const CSV: UnitLayout = {
  format: 'csv',
  dialect: { delimiter: ',', quote: '"', escape: '"', has_header: false, skip_lines: 0 },
  header: ['id', 'AT', 'name'],
};

function inspect(unit: SealedUnit, columns = COLUMNS): Promise<Inspection> {
  const as: InputUnit = { ...AS, uri: unit.uri };
  return inspectLanded(inspectors, unit, as, { temp_folder: root, columns });
}

/** The same unit as a later run finds it. */
async function lookedAt({ facts: _, ...unit }: SealedUnit): Promise<Inspection> {
  return await inspect(unit);
}

async function landed(write: (landing: Landing) => Promise<void>): Promise<readonly SealedUnit[]> {
  const pull = await place.begin(null);
  await write(pull.landing);
  return pull.units;
}

async function csvUnit(text: string, facts: UnitFacts): Promise<SealedUnit> {
  const [unit] = await landed(async (landing) => {
    const writer = await landing.open('rows', CSV);
    await writer.write(Buffer.from(text));
    await writer.close({ records: 2, position: { n: 1 }, facts });
  });
  if (unit === undefined) throw new Error('no unit');
  return unit;
}

/** Messages as units, of which each is sealed by itself. */
async function messageUnits(reader: ValueReader, batches: readonly (readonly (string | null)[])[]) {
  return await landed(async (landing) => {
    const settings = { topic: 't', topic_id: undefined, reader, message_bytes_max: 10_000, columns: undefined };
    const units = new UnitSequence(landing, { ...settings, unnumbered: [] }, new Map([[0, 0]]));
    let offset = 0;
    for (const values of batches) {
      const bytes = await encodedBatch(values.map((value) => ({ offset: offset++, key: 'k"é', value })));
      units.partition(0);
      for (const head of batchHeads(bytes)) {
        const batch = await readBatch(bytes, head);
        if ('damage' in batch) throw new Error(batch.damage);
        const cursor = new RecordCursor(batch);
        while (cursor.next()) units.take(0, cursor);
      }
      await units.flush(true);
    }
  });
}

/** Of each member that is said to have one form, all values are of its kind; of others, none, or anything. */
function expectForms({ uri }: SealedUnit, forms: Inspection['forms'] = {}): void {
  const kinds: Partial<Record<string, string>> = {
    whole: 'number',
    instant: 'string',
    text: 'string',
    nested: 'object',
  };
  const lines = readFileSync(uri, 'utf8').trimEnd().split('\n');
  for (const record of lines.map((line) => JSON.parse(line) as Record<string, unknown>))
    for (const [key, content] of Object.entries(record)) {
      const form = forms[key];
      if (form === undefined) expect(content).toBeNull();
      else if (form !== 'other' && content !== null) expect(typeof content).toBe(kinds[form] ?? form);
      if (form === 'whole' && content !== null) expect(Number.isSafeInteger(content)).toBe(true);
    }
}

const name = fc
  .constantFrom('a', 'b', '\\u0061', 'é', 'long name', '', '"\\"', 'b\\n')
  .map((text) => `"${text.replaceAll('"', '')}"`);
const value = fc.constantFrom(
  '1',
  '-1.50e3',
  '"x\\"y"',
  'null',
  '[1,{"a":2,"a":3}]',
  '{"b":{"a":[]}}',
  '"€\\ud83d\\ude00"',
  'true',
);
const member = fc.tuple(name, value).map(([key, content]) => `${key}${key.length % 2 === 0 ? ' : ' : ':'}${content}`);
const object = fc.array(member, { maxLength: 4 }).map((members) => `{${members.join(',')}}`);
const message = fc.oneof(
  { weight: 8, arbitrary: object },
  { weight: 1, arbitrary: fc.constantFrom('{ "a":\r\n1 }', ' {} ', '{"a":1}\n\n{"b":2}\n') },
  { weight: 1, arbitrary: fc.constantFrom('[1]', '{"a":1', '{"a":tru}', '{"_offset":1}', null) },
);

describe('units whose writer vouches for them', () => {
  it('messages: what is vouched for is what a look at the unit finds', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(message, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.boolean(),
        async (batches, lines) => {
          const units = await messageUnits(lines ? ndjsonValues() : jsonValues(), batches);
          for (const unit of units.filter(({ records }) => records > 0)) {
            expect(unit.facts).toBeDefined();
            const { types, forms, ...vouched } = await inspect(unit);
            expect(vouched).toEqual({ ...(await lookedAt(unit)), vouched: true });
            expect(types).toMatchObject({ _offset: 'bigint' });
            expectForms(unit, forms);
          }
          await place.remove();
        },
      ),
      { numRuns: 60 },
    );
  });

  it('a pull that failed leaves nothing behind in what the next one vouches for', async () => {
    const reader = jsonValues();
    const bytes = await encodedBatch([{ offset: 0, value: '{"stray":1}' }]);
    const lost = new UnitSequence(
      { open: async () => Promise.reject(new Error('the disk is full')), raw: place.raw },
      { topic: 't', topic_id: undefined, reader, message_bytes_max: 100, columns: undefined, unnumbered: [] },
      new Map(),
    );
    for (const head of batchHeads(bytes)) {
      const cursor = new RecordCursor((await readBatch(bytes, head)) as never);
      while (cursor.next()) lost.take(0, cursor);
    }
    await expect(lost.flush(true)).rejects.toThrow('disk is full');
    const [unit] = await messageUnits(reader, [['{"a":1}']]);
    expect(unit?.facts?.fields?.map((field) => field.name)).not.toContain('stray');
  });

  it('a reader that does not look at the members vouches for nothing', async () => {
    const [unit] = await messageUnits(textValues('v'), [['x']]);
    expect(unit?.facts).toBeUndefined();
  });

  it('rows: cells of the type that the system itself says they have need no look, those of another type do', async () => {
    const unit = await csvUnit('1,2026-01-01,"a\nb"\n2,,c\n', {
      types: { id: 'bigint', at: 'date', name: 'varchar' },
      multiline_records: true,
    });
    // Where its records begin nobody asks of a unit: no person has its file.
    const { record_lines: _, ...looked } = await lookedAt(unit);
    expect(await inspect(unit)).toEqual({ ...looked, vouched: true });
    expect((await inspect(unit)).doubtful).toEqual([]);
    const other = COLUMNS.map((column) => (column.name === 'at' ? { ...column, type: 'timestamptz' } : column));
    expect((await inspect(unit, other)).doubtful).toEqual(['at']);
    // A column that is not known yet will get the type that the engine sees: every cell has to be looked at.
    expect((await inspect(unit, COLUMNS.slice(1))).doubtful).toBeUndefined();
  });

  it('only its own process believes it: a manifest says nothing of it', async () => {
    const unit = await csvUnit('1,2026-01-01,a\n2,,c\n', { types: {} });
    expect(readFileSync(unit.uri.replace(/csv$/, 'json'), 'utf8')).not.toContain('facts');
    const [found] = (await place.landed()).units;
    expect(found).toMatchObject({ sha256: unit.sha256 });
    expect(found?.facts).toBeUndefined();
  });

  it('a file that is not as it was left is looked at', async () => {
    const unit = await csvUnit('1,2026-01-01,a\n2,,c\n', { types: {} });
    truncateSync(unit.uri, 15);
    const { records, sha256 } = await inspect(unit);
    expect(records).toBe(1);
    expect(sha256).not.toBe(unit.sha256);
  });
});
