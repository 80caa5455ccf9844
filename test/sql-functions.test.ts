import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, EngineSession } from '../src/core/ports/engine.ts';
import { quoteText } from '../src/kit/sql.ts';
import { rooms } from '../src/main.ts';

/** The functions that dataflow adds to SQL, on the real engine; where DATAFLOW_PYTHON is set, against Python itself. */
const PYTHON = process.env['DATAFLOW_PYTHON'];
const WHY_SKIPPED = PYTHON === undefined ? ' — skipped: DATAFLOW_PYTHON names no Python' : '';

const WORDS: readonly (readonly [string, string])[] = [
  ["côte d'ivoire", "Côte D'Ivoire"],
  ['états-unis', 'États-Unis'],
  ['ROYAUME-UNI', 'Royaume-Uni'],
  ['  france ', '  France '],
  ['', ''],
  ["l'île-de-ré", "L'Île-De-Ré"],
  ['3ème étage', '3Ème Étage'],
  ['iPhone 12pro', 'Iphone 12Pro'],
  ['ΑΘΗΝΑ αθηνα', 'Αθηνα Αθηνα'],
  ['москва', 'Москва'],
  ['東京tower', '東京Tower'],
  ['a_b.c/d', 'A_B.C/D'],
  ['ⅷ ⓐb 1ªx', 'Ⅷ Ⓐb 1ªx'],
];
const BLANKS: readonly string[] = ['  x ', '\t\n x y \r\n', '\u00a0x\u00a0', '\u2003x\u3000', '', ' \t ', 'x'];

let engine: Engine;
let session: EngineSession;
let folder = '';
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dataflow-functions-'));
  engine = await rooms.openBareEngine({ type: 'duckdb' }, folder);
  session = await engine.openSession({ label: 'test' });
});
afterAll(async () => {
  await session.close();
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

async function applied(name: string, texts: readonly string[]): Promise<readonly unknown[]> {
  const rows = await session.rows(`select ${name}(x) as y from unnest([${texts.map(quoteText).join(', ')}]) as t(x)`);
  return rows.map((row) => row['y']);
}

function python(method: string, texts: readonly string[]): unknown {
  const code = `import json, sys; print(json.dumps([x.${method}() for x in json.load(sys.stdin)]))`;
  const child = spawnSync(PYTHON ?? '', ['-c', code], { input: JSON.stringify(texts), encoding: 'utf8' });
  return JSON.parse(child.stdout);
}

describe('title_case', () => {
  it('capitalises what follows no letter', async () => {
    expect(
      await applied(
        'title_case',
        WORDS.map(([text]) => text),
      ),
    ).toEqual(WORDS.map(([, title]) => title));
    expect(await session.rows('select title_case(null) as y')).toEqual([{ y: null }]);
  });

  it.skipIf(PYTHON === undefined)(`equals str.title()${WHY_SKIPPED}`, async () => {
    const letters = Array.from({ length: 0x250 - 0x20 }, (_, n) => String.fromCodePoint(0x20 + n));
    // Left out: characters whose other case is several characters, the digraphs with a title case of their own, and controls.
    const texts = [
      ...WORDS.map(([text]) => text),
      ...letters.filter((one) => !/[ßİŉǰǄ-ǌǱ-ǳ\u007f-\u009f]/.test(one)).map((one) => `x${one}y ${one}z`),
    ];
    expect(await applied('title_case', texts)).toEqual(python('title', texts));
  });
});

describe('strip', () => {
  it('removes white space of every kind at both ends', async () => {
    expect(await applied('strip', BLANKS)).toEqual(['x', 'x y', 'x', 'x', '', '', 'x']);
  });

  it.skipIf(PYTHON === undefined)(`equals str.strip()${WHY_SKIPPED}`, async () => {
    const all = Array.from({ length: 0x3001 }, (_, n) => n).filter((n) => n > 0);
    const texts = [...BLANKS, ...all.map((n) => `${String.fromCodePoint(n)}x${String.fromCodePoint(n)}`)];
    expect(await applied('strip', texts.slice(0, 9000))).toEqual(python('strip', texts.slice(0, 9000)));
  });
});
