import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { shareWork } from './support/asker.ts';
import { expectDone, newPlace, type Place } from './support/fault-project.ts';

shareWork();

/** Scanned documents through the built program. The packages that read them are installed apart, so without them there is nothing to see. */
const scans = await import('./support/scans.ts').catch(() => undefined);
const MISSING = ['tesseract.js', 'pdfjs-dist', 'utif2', '@tesseract.js-data/fra', '@tesseract.js-data/eng'].filter(
  (name) => !readable(resolve('node_modules', name, 'package.json')),
);
const skipped = scans === undefined || MISSING.length > 0;
const WHY = skipped ? ` — skipped: ${[...(scans === undefined ? ['@napi-rs/canvas'] : []), ...MISSING]} not there` : '';
const { drawJpeg, drawPdf, drawPng, drawTiff, layeredPdf, scannedPdf } = scans ?? ({} as NonNullable<typeof scans>);
const TIMEOUT_MS = 180_000;

const places: Place[] = [];
afterAll(() => {
  for (const one of places) one.remove();
});

function readable(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

const FIELDS = String.raw`{ total: 'TOTAL\s+([0-9.,]+)', date: 'DATE\s+(\S+)' }`;

function placeWith(files: Readonly<Record<string, Uint8Array>>, more = '', fields = FIELDS): Place {
  const place = newPlace(configOf(more, fields));
  places.push(place);
  place.put(files);
  return place;
}

function configOf(more: string, fields = FIELDS): string {
  const common = /settle_seconds/.test(more) ? '' : ', settle_seconds: 0';
  return `sources:\n  scans: { type: documents, path: "scans/*", ${/languages/.test(more) ? '' : 'languages: [fra, eng], '}fields: ${fields}${common}${more} }\n`;
}

const invoice = (number: number, total: string): readonly { readonly text: string }[] => [
  { text: 'Société Générale, payée à réception' },
  { text: `FACTURE N° 2026-00${number}` },
  { text: `DATE 2026-11-${number}` },
  { text: `TOTAL ${total} €` },
];

const rowsOf = (place: Place): readonly string[] =>
  place
    .query('select _file, page, total, date from bronze.scans order by all')
    .map((row) => Object.values(row).map(String).join(' '));

const rejectedOf = (place: Place): readonly string[] =>
  (
    JSON.parse(place.dataflow(['quarantine', 'show', 'bronze.scans', '--format', 'json']).stdout) as readonly Record<
      string,
      unknown
    >[]
  ).map(({ file, rule }) => `${file} ${rule}`);

const keptOf = (place: Place): string => join(place.folder, 'lake', '_dataflow', 'documents', 'scans');
/** When each result was written. */
const resultsOf = (place: Place): ReadonlyMap<string, number> =>
  new Map(
    readdirSync(keptOf(place))
      .filter((name) => name.endsWith('.json'))
      .map((name) => [name, statSync(join(keptOf(place), name)).mtimeMs]),
  );

describe.skipIf(skipped)(`documents${WHY}`, { timeout: TIMEOUT_MS }, () => {
  it('of every kind come page by page, with accents, fields, confidences, originals and results', () => {
    const png = drawPng(invoice(11, '1234,50'));
    const place = placeWith({
      'scans/a.png': png,
      'scans/b.jpg': drawJpeg(invoice(12, '99,00')),
      'scans/c.pdf': drawPdf([invoice(13, '10,00'), invoice(14, '20,00')]),
      'scans/d.pdf': scannedPdf([invoice(15, '310,00'), invoice(16, '420,75')]),
      'scans/e.tif': drawTiff([invoice(17, '77,70'), invoice(18, '88,80')]),
    });
    expectDone(place.dataflow(['run']));
    expect(rowsOf(place)).toEqual([
      'scans/a.png 1 1234,50 2026-11-11',
      'scans/b.jpg 1 99,00 2026-11-12',
      'scans/c.pdf 1 10,00 2026-11-13',
      'scans/c.pdf 2 20,00 2026-11-14',
      'scans/d.pdf 1 310,00 2026-11-15',
      'scans/d.pdf 2 420,75 2026-11-16',
      'scans/e.tif 1 77,70 2026-11-17',
      'scans/e.tif 2 88,80 2026-11-18',
    ]);
    const read = place.query(`select _file, read_by, confidence, total_confidence, text from bronze.scans`);
    for (const { _file, read_by, confidence, total_confidence, text } of read) {
      expect(String(text)).toContain('Société Générale, payée à réception');
      const layer = _file === 'scans/c.pdf';
      expect(read_by).toBe(layer ? 'text layer' : 'ocr');
      for (const one of [confidence, total_confidence])
        expect(Number(one)).toSatisfy((value: number) => (layer ? value === 100 : value > 75 && value < 100));
    }
    const [{ sha256 } = {}] = place.query(`select sha256 from bronze.scans where _file = 'scans/a.png'`);
    expect(readFileSync(join(keptOf(place), `${sha256}.png`)).equals(png)).toBe(true);
    const result = JSON.parse(readFileSync(join(keptOf(place), `${sha256}.json`), 'utf8'));
    expect(result).toMatchObject({ document: 'scans/a.png', sha256, records: [{ total: '1234,50' }] });
    expect(result.pages[0].words.map((word: { text: string }) => word.text)).toContain('1234,50');
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
    expectDone(place.dataflow(['verify', '--sources']));
    expect(place.dataflow(['trace', 'scans/d.pdf:2']).stdout).toContain('bronze.scans');
    expectDone(place.dataflow(['ledger', 'rebuild']));
    expect(place.dataflow(['run']).stdout).toContain('nothing to do');
  });

  it('that are cut off, bombs or no documents are quarantined whole; copies are counted once; new ones wait', () => {
    const png = drawPng(invoice(21, '1,00'));
    const jpeg = drawJpeg(invoice(22, '2,00'));
    const bomb = Buffer.from(png);
    bomb.writeUInt32BE(60_000, 16);
    const place = placeWith({
      'scans/cut.png': png.subarray(0, png.length - 20),
      'scans/cut.jpg': jpeg.subarray(0, jpeg.length / 2),
      'scans/cut.pdf': scannedPdf([invoice(23, '3,00')]).subarray(0, -200),
      'scans/flipped.png': bomb,
      'scans/note.txt': Buffer.from('TOTAL 5,00'),
      'scans/none.png': Buffer.alloc(0),
      'scans/one.jpg': jpeg,
      'scans/two.jpg': jpeg,
    });
    expect(place.dataflow(['run']).status).toBe(4);
    expect(rowsOf(place)).toEqual(['scans/one.jpg 1 2,00 2026-11-22']);
    expect([...rejectedOf(place)].sort()).toEqual([
      'scans/cut.jpg damaged_jpeg',
      'scans/cut.pdf damaged_pdf',
      'scans/cut.png damaged_png',
      'scans/flipped.png damaged_png',
      'scans/none.png empty_file',
      'scans/note.txt wrong_format',
    ]);
    const twin = place.inputs().find((input) => input.path === 'scans/two.jpg');
    expect(twin).toMatchObject({ status: 'duplicate', same_as: 'scans/one.jpg' });
    expect(resultsOf(place).size).toBe(1);
    // The scanner comes to the end of its work.
    place.put({ 'scans/cut.png': png, 'pipelines.yaml': configFile(', settle_seconds: 3600') });
    expect(place.dataflow(['plan', '--all']).stdout).toContain('1 still be');
    place.put({ 'pipelines.yaml': configFile('') });
    place.dataflow(['run']);
    expect(rowsOf(place)).toContain('scans/cut.png 1 1,00 2026-11-21');
    expect(rejectedOf(place)).not.toContain('scans/cut.png damaged_png');
  });

  it('are each in the lake once after a kill at any point, and none is recognised twice', () => {
    const files = Object.fromEntries([31, 32, 33].map((n) => [`scans/${n}.png`, drawPng(invoice(n, `${n},00`))]));
    const rows = [31, 32, 33].map((n) => `scans/${n}.png 1 ${n},00 2026-11-${n}`);
    for (const fault of [
      'before-document-kept:kill@2',
      'after-document-kept:kill@2',
      'after-stage:kill',
      'after-publish:kill',
    ]) {
      const place = placeWith(files);
      place.dataflow(['run'], { DATAFLOW_FAULT: fault });
      const before = resultsOf(place);
      expectDone(place.dataflow(['run']));
      expect(rowsOf(place), fault).toEqual(rows);
      const after = resultsOf(place);
      expect(after.size).toBe(3);
      for (const [name, written_ms] of before) expect(after.get(name), `${fault} ${name}`).toBe(written_ms);
      expectDone(place.dataflow(['verify']));
    }
  });

  it('below the confidence wait for a person, whose correction comes home and stays', () => {
    const files = {
      'scans/a.png': drawPng(invoice(41, '1234,50')),
      'scans/b.png': drawPng([{ text: 'DATE 2026-11-42' }]),
    };
    const place = placeWith(files, ', min_confidence: 99');
    expectDone(place.dataflow(['run']));
    expect(rejectedOf(place)).toEqual(['scans/a.png low_confidence', 'scans/b.png field_missing']);
    // As they are they are refused again, for the same reasons.
    expect(place.dataflow(['quarantine', 'replay', 'bronze.scans']).status).toBe(4);
    expect(rejectedOf(place)).toEqual(['scans/a.png low_confidence', 'scans/b.png field_missing']);
    expectDone(place.dataflow(['quarantine', 'export', 'bronze.scans', '--to', 'edit.csv']));
    const exported = readFileSync(join(place.folder, 'edit.csv'), 'utf8');
    expect(exported).toContain('Société Générale, payée à réception');
    place.put({ 'edit.csv': exported.replace(',1,"1234,50",', ',1,"1234,55",') });
    const fixed = place.dataflow(['quarantine', 'fix', 'bronze.scans', '--from', 'edit.csv']);
    expect(fixed.stdout, fixed.stderr).toMatch(/1 of 1 rows? fixed/);
    expect(rowsOf(place)).toEqual(['scans/a.png 1 1234,55 2026-11-41']);
    // A correction does not make up for a field that is still not there.
    const still = place.dataflow(['quarantine', 'fix', 'bronze.scans', '--set', "date = '2026-11-30'"]);
    expect(still.stdout).toContain('1 was rejected again');
    expect(rejectedOf(place)).toEqual(['scans/b.png field_missing']);
    place.dataflow(['quarantine', 'fix', 'bronze.scans', '--set', "total = '7,00'"]);
    expect(rowsOf(place)).toEqual(['scans/a.png 1 1234,55 2026-11-41', 'scans/b.png 1 7,00 2026-11-30']);
    // Everything is taken anew from what is kept, under another limit and another pattern; corrections hold.
    const before = [...resultsOf(place).keys()];
    expectDone(place.dataflow(['run', '--full-refresh', '--force']));
    expect(rowsOf(place)).toEqual(['scans/a.png 1 1234,55 2026-11-41', 'scans/b.png 1 7,00 2026-11-30']);
    expect([...resultsOf(place).keys()]).toEqual(before);
    expectDone(place.dataflow(['verify']));
  });

  it('are searched anew where a pattern changed, without being recognised again', () => {
    const place = placeWith({ 'scans/a.png': drawPng(invoice(51, '1234,50')) });
    expectDone(place.dataflow(['run']));
    // A reader that would be asked now would crash.
    const other = String.raw`{ total: 'FACTURE N° (\S+)', date: 'DATE\s+(\S+)' }`;
    place.put({ 'pipelines.yaml': configFile('', other) });
    expectDone(place.dataflow(['run', '--full-refresh', '--force'], { DATAFLOW_FAULT: 'reader-a:segv' }));
    expect(rowsOf(place)).toEqual(['scans/a.png 1 2026-0051 2026-11-51']);
  });

  it.each([
    ['segv', '', /crashed with SIGSEGV/],
    ['hang', ', page_seconds_max: 4', /took longer than 4 s \(page_seconds_max\)/],
    ['hog', ', limits: { file_memory_max: 300MB }', /needed more than 300 MB of memory/],
  ])('that make their reader %s are quarantined, the others are loaded', (action, more, reason) => {
    const files = Object.fromEntries([61, 62].map((n) => [`scans/f${n}.png`, drawPng(invoice(n, `${n},00`))]));
    const place = placeWith(files, more);
    const run = place.dataflow(['run'], { DATAFLOW_FAULT: `reader-f61:${action}` });
    expect(run.status, run.stderr).toBe(4);
    expect(rowsOf(place)).toEqual(['scans/f62.png 1 62,00 2026-11-62']);
    expect(place.inputs().find(({ path }) => path === 'scans/f61.png')?.reason).toMatch(reason);
    expect(place.dataflow(['quarantine', 'replay', 'bronze.scans']).stdout).toContain('1 of 1 row replayed');
    expect(rowsOf(place)).toHaveLength(2);
  });

  it('keep their originals: verify tells of damage and loss, compact collects what nobody knows', () => {
    const place = placeWith({
      'scans/a.png': drawPng(invoice(81, '81,00')),
      'scans/b.png': drawPng(invoice(82, '82,00')),
    });
    expectDone(place.dataflow(['run']));
    const [a = '', b = ''] = place
      .query('select sha256 from bronze.scans order by _file')
      .map((row) => join(keptOf(place), `${row['sha256']}.png`));
    // Other bytes under the same name: what was kept of the first ones is old after a while.
    place.put({ 'scans/a.png': drawPng(invoice(83, '83,00')) });
    expectDone(place.dataflow(['run']));
    expect(rowsOf(place)).toEqual(['scans/a.png 1 83,00 2026-11-83', 'scans/b.png 1 82,00 2026-11-82']);
    expect(place.dataflow(['compact']).stdout).not.toContain('documents');
    const long_ago = new Date(Date.now() - 40 * 86_400_000);
    for (const path of [a, a.replace('.png', '.json'), b]) utimesSync(path, long_ago, long_ago);
    expect(place.dataflow(['compact', '--dry-run']).stdout).toContain('2 kept files of documents of scans');
    expectDone(place.dataflow(['compact']));
    expect([readable(a), readable(b)]).toEqual([false, true]);
    expectDone(place.dataflow(['verify']));
    appendFileSync(b, 'x');
    const damaged = place.dataflow(['verify']);
    expect(damaged.status).not.toBe(0);
    expect(damaged.stdout.replace(/\s+/g, ' ')).toContain('a kept original has other bytes than those that were read');
    rmSync(b);
    expect(place.dataflow(['verify', '--quick']).stdout).toContain('the kept original of scans/b.png is gone');
    place.put({ 'pipelines.yaml': configFile('').replace('./lake }', './lake, keep: { raw_days: 3 } }') });
    expectDone(place.dataflow(['verify']));
  });

  it('are read as they look where another recogniser put text over the picture', () => {
    const place = placeWith({ 'scans/a.pdf': layeredPdf('TOTAL 99,99 DATE 2026-01-01', invoice(28, '28,00')) });
    expectDone(place.dataflow(['run']));
    expect(rowsOf(place)).toEqual(['scans/a.pdf 1 28,00 2026-11-28']);
    expect(place.query('select read_by from bronze.scans')).toEqual([{ read_by: 'ocr' }]);
  });

  it('have typed fields where columns: says so', () => {
    const files = { 'scans/a.png': drawPng(invoice(11, '91,00')), 'scans/b.png': drawPng(invoice(92, '92,00')) };
    const place = placeWith(files, ', columns: { date: date }');
    expectDone(place.dataflow(['run']));
    expect(place.query('select typeof(date) as t, date from bronze.scans')).toEqual([
      { t: 'DATE', date: '2026-11-11' },
    ]);
    expect(rejectedOf(place)).toEqual(['scans/b.png unreadable_record']);
  });

  it('become one record each where that is asked for', () => {
    const pages = [[{ text: 'DATE 2026-11-71' }], [{ text: 'suite' }, { text: 'TOTAL 71,00 €' }]];
    const place = placeWith({ 'scans/a.pdf': scannedPdf(pages) }, ', record: document');
    expectDone(place.dataflow(['run']));
    expect(place.query('select pages, total, date from bronze.scans')).toEqual([
      { pages: expect.anything(), total: '71,00', date: '2026-11-71' },
    ]);
  });
});

/** The whole configuration, with other options than before. */
function configFile(more: string, fields = FIELDS): string {
  return `version: 1\nlake: { url: ./lake }\n${configOf(more, fields)}`;
}

describe('without the packages', () => {
  it('the configuration is checked', () => {
    const place = newPlace(configOf(', columns: { totl: date }, languages: [fra, fra]', "{ total: '(', text: 'x' }"));
    places.push(place);
    const { status, stderr } = place.dataflow(['validate']);
    expect(status).toBe(2);
    expect(stderr).toContain('not a regular expression');
    expect(stderr).toContain('a language occurs twice');
    expect(stderr).toContain('this name is that of another column');
    place.put({ 'pipelines.yaml': configFile(', columns: { totl: date }') });
    expect(place.dataflow(['validate']).stderr).toContain('Did you mean total?');
  });

  it('doctor and run say what to install; nothing else needs them', () => {
    const bare = mkdtempSync(join(tmpdir(), 'dataflow-bare-'));
    try {
      for (const name of ['bin', 'dist', 'package.json']) cpSync(resolve(name), join(bare, name), { recursive: true });
      mkdirSync(join(bare, 'node_modules'));
      const left_out = ['tesseract.js', 'tesseract.js-core', 'pdfjs-dist', 'utif2', '@napi-rs', '@tesseract.js-data'];
      for (const name of readdirSync(resolve('node_modules')))
        if (!left_out.includes(name) && !name.startsWith('.'))
          symlinkSync(resolve('node_modules', name), join(bare, 'node_modules', name));
      const place = newPlace(`${configOf('')}  rows: { type: files, path: rows.csv, settle_seconds: 0 }\n`, {
        binary: join(bare, 'bin', 'dataflow.js'),
      });
      places.push(place);
      place.put({
        'scans/a.jpg': Buffer.from('ffd8ffc0000b080010001001011100ffda0008010100003f0000ffd9', 'hex'),
        'rows.csv': 'id\n1\n',
      });
      const doctor = place.dataflow(['doctor', '--format', 'json']);
      const line = `npm install --no-save --prefix ${bare} tesseract.js@7.0.0 @tesseract.js-data/fra@1.0.0 @tesseract.js-data/eng@1.0.0`;
      expect(doctor.stdout).toContain(line);
      const run = place.dataflow(['run']);
      expect(run.stderr + run.stdout).toContain('E_PACKAGE_MISSING');
      expect(run.stderr + run.stdout).toContain(line);
      expect(run.status).toBe(4);
      expect(place.query('select id from bronze.rows')).toHaveLength(1);
      expect(place.inputs().filter(({ source }) => source === 'scans')).toEqual([]);
    } finally {
      rmSync(bare, { recursive: true, force: true });
    }
  });
});
