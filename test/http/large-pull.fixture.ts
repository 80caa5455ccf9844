import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { FormatInspectors } from '../../src/core/ports/format.ts';
import { openLandingPlace } from '../../src/landing/open-landing.ts';
import { pullContext } from '../services/held-landing.ts';
import { httpSource } from './http-pull.ts';

/** Lands one answer in a process of its own, and tells how much memory that took: large-pull URL FOLDER */
const [url, folder = ''] = process.argv.slice(2);
const temp_folder = join(folder, 'temp');
mkdirSync(temp_folder);
const place = openLandingPlace({ state_folder: folder, source: 's', inspectors: {} as FormatInspectors });
const open = await place.begin(null);
const source = await httpSource({ url, max_response_bytes: 2_000_000_000 });
await source.pull(open.landing, pullContext(undefined, { temp_folder }));
await source.close();
const sum = (of: (unit: (typeof open.units)[number]) => number) => open.units.reduce((all, unit) => all + of(unit), 0);
console.log(
  JSON.stringify({
    records: sum(({ records }) => records),
    size_bytes: sum(({ size_bytes }) => size_bytes),
    // The kernel counts it in kilobytes.
    peak_memory_bytes: process.resourceUsage().maxRSS * 1024,
  }),
);
