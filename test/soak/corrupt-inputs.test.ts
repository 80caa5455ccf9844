import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { damageInputs, INPUT_KINDS, MEMORY_BYTES_MAX } from './corrupt-inputs.ts';
import { PYTHON, pythonReader } from './lake-reader.ts';
import { seeded } from './random.ts';

/**
 * Cases 25 to 28 and 30 of the fault catalogue, at random: input files are cut, some of their bits flipped, their ends zeroed. Each must be
 * refused, or its rows must be what the damaged file says to an independent reader; and no file may keep others from loading. This is a
 * slice of `npm run soak:corrupt`.
 */
const PER_KIND = 30;
const seed = Number(
  process.env['DATAFLOW_SOAK_SEED'] ?? process.env['DATAFLOW_PROPERTY_SEED'] ?? Date.now() % 1_000_000,
);
const root = mkdtempSync(join(tmpdir(), 'dataflow-damage-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

it.skipIf(PYTHON === undefined)(
  'case 26: random damage of files of every kind changes nothing in silence and stops no other file',
  { timeout: 180_000 },
  async () => {
    const python = pythonReader('damage_reader.py');
    try {
      const { outcomes, faults, peak_memory_bytes } = await damageInputs(
        join(root, 'project'),
        PER_KIND,
        seeded(seed),
        python,
      );
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(
        outcomes.filter(({ outcome }) => outcome === 'SILENT'),
        `seed ${seed}`,
      ).toEqual([]);
      expect(outcomes).toHaveLength(PER_KIND * Object.keys(INPUT_KINDS).length);
      expect(outcomes.filter(({ outcome }) => outcome === 'refused').length).toBeGreaterThan(outcomes.length / 4);
      expect(outcomes.filter(({ outcome }) => outcome === 'as the file says').length).toBeGreaterThan(5);
      expect(peak_memory_bytes).toBeLessThan(MEMORY_BYTES_MAX);
    } finally {
      python.close();
    }
  },
);

if (PYTHON === undefined)
  console.log('skipped case 26: DATAFLOW_PYTHON is not set, and what files say is read with pyarrow');
