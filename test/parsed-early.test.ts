import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { newPlace, type Row } from './support/fault-project.ts';

shareWork();

/**
 * A file that comes alone is parsed while it is inspected, on the assumption that all of it is like its beginning; files that come together
 * are inspected first. Whatever stands behind the beginning: rows, rejects with their lines, and refusals are the same both ways.
 */
const root = mkdtempSync(join(tmpdir(), 'dataflow-early-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const PLAIN = Array.from({ length: 60_000 }, (_, i) => `${i},text of ${i}`).join('\n');

const LATE: Readonly<Record<string, string | Uint8Array>> = {
  'nothing special': '1,x\n',
  'quoted line ends': '1,"x\ny"\n2,z\n',
  'a quote that stays open': '1,"x\n2,y\n',
  'too few and too many fields': '1\n2,y,z\n3,w\n',
  'bytes that are not UTF-8': Buffer.from('1,\xe9\n2,y\n', 'latin1'),
  'other line ends': '1,x\r\n2,y\r\n',
  'numbers that round': '1.5,x\n99999999999999999999,y\n',
  'a cut last line': '1,x\n2',
  'zero bytes': Buffer.from('1,x\n\0\0\0\0'),
  'blank lines': '\n\n1,x\n\nnot a number,y\n',
};

it.each(Object.entries(LATE))('the end of a file is judged as if it had been inspected first: %s', (name, end) => {
  const place = newPlace(
    'sources:\n  s: { type: files, path: "in/*.csv", settle_seconds: 0, columns: { a: bigint, b: varchar } }\n',
    { folder: mkdtempSync(join(root, 'p')), name: 'early' },
  );
  const file = Buffer.concat([Buffer.from(`a,b\n${PLAIN}\n`), Buffer.from(end)]);
  const outcome = (files: Readonly<Record<string, string | Uint8Array>>): readonly Row[][] => {
    rmSync(join(place.folder, 'lake'), { recursive: true, force: true });
    rmSync(join(place.folder, 'in'), { recursive: true, force: true });
    place.put(files);
    expect([0, 4], name).toContain(place.dataflow(['run']).status);
    const one = place.inputs().filter((input) => input.path === 'in/one.csv');
    const loaded = one[0]?.status === 'loaded';
    const aside = loaded ? (one[0]?.rejected ?? 0) > 0 : true;
    return [
      one.map(({ status, records, rejected, reason }) => ({ status, records, rejected, reason })),
      loaded
        ? [...place.query("select count(*) as n, sum(hash(a, b)) as h from bronze.s where _file = 'in/one.csv'")]
        : [],
      aside
        ? [
            ...place.query(
              "select line, rule, reason, raw from quarantine.bronze_s where file = 'in/one.csv' order by line",
            ),
          ]
        : [],
    ];
  };
  const alone = outcome({ 'in/one.csv': file });
  expect(alone[0]).toHaveLength(1);
  expect(alone).toEqual(outcome({ 'in/one.csv': file, 'in/other.csv': 'a,b\n7,other\n' }));
});
