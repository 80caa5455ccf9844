import { copyFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { drawPng } from '../../test/support/scans.ts';
import type { BenchSettings, Figure } from './figure.ts';
import { median, timed } from './measure.ts';

const PICTURES = 24;
const LINES = 14;
const THREADS = 2;
const LIMIT = 0.9;

/** Drawn invoices through `dataflow run` (whole, with its start, table and quarantine) beside bare tesseract.js with as many workers. */
export async function recognition({ folder, runs }: BenchSettings): Promise<readonly Figure[]> {
  const scans = join(folder, 'scans');
  const languages = join(folder, 'languages');
  for (const one of [scans, languages]) mkdirSync(one, { recursive: true });
  for (let number = 0; number < PICTURES; number++)
    writeFileSync(join(scans, `${String(number).padStart(3, '0')}.png`), drawPng(invoice(number)));
  for (const language of ['fra', 'eng']) {
    const name = `${language}.traineddata.gz`;
    copyFileSync(resolve('node_modules/@tesseract.js-data', language, '4.0.0_best_int', name), join(languages, name));
  }
  writeFileSync(
    join(folder, 'pipelines.yaml'),
    `version: 1\nlake: { url: ./lake }\nengine: { type: duckdb, threads: ${THREADS} }\nsources:\n  scans: { type: documents, path: "scans/*.png", settle_seconds: 0, min_confidence: 0, fields: { total: 'TOTAL (\\S+)' } }\n`,
  );
  const ours: number[] = [];
  const beside: number[] = [];
  for (let run = 0; run < Math.min(runs, 3); run++) {
    rmSync(join(folder, 'lake'), { recursive: true, force: true });
    ours.push((await timed(process.execPath, [resolve('bin/dataflow.js'), 'run'], { cwd: folder })).wall_ms);
    const raw = [resolve('scripts/bench/raw-ocr.mjs'), scans, languages, String(THREADS)];
    beside.push((await timed(process.execPath, raw, { cwd: folder })).wall_ms);
  }
  const [own_ms, raw_ms] = [median(ours), median(beside)];
  const ratio = raw_ms / own_ms;
  const rate = (ms: number): string => `${((PICTURES * 1000) / ms).toFixed(2)}/s`;
  return [
    {
      name: `OCR, ${PICTURES} pages`,
      ours: rate(own_ms),
      beside: rate(raw_ms),
      ratio: ratio.toFixed(2),
      limit: `≥ ${LIMIT}`,
      ok: ratio >= LIMIT,
      note: `pages per second, \`dataflow run\` from its start to the published table beside bare tesseract.js with ${THREADS} workers`,
    },
  ];
}

function invoice(number: number): readonly { readonly text: string }[] {
  return Array.from({ length: LINES }, (_, line) => ({
    text:
      line === 0
        ? `FACTURE N° 2026-${number}`
        : line === 1
          ? `TOTAL ${number},50 €`
          : `Ligne ${line} : été, réglée à ${number * line}`,
  }));
}
