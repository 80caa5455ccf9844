import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LaidTable, layLog } from './scale/lay-log.ts';
import { WORKS } from './scale/measure.ts';

/**
 * `node scripts/run.mjs scale [work…] [--files N]`: lays the log of a table of N files (100,000) without any data and measures what the
 * program does with it, each work in a process of its own. Figures of a table of a million files are in docs/scale.md.
 */
const words = process.argv.slice(2);
const SELF = fileURLToPath(import.meta.url);

if (words[0] === '--child') await child(words[1] ?? '', words[2] ?? '');
else await parent();

async function parent(): Promise<void> {
  const at = words.indexOf('--files');
  const files = at < 0 ? 100_000 : Number(words[at + 1]);
  const names = words.filter((_, index) => at < 0 || (index !== at && index !== at + 1));
  const unknown = names.filter((name) => WORKS[name] === undefined);
  if (unknown.length > 0 || !Number.isInteger(files)) {
    console.error(`usage: scale [${Object.keys(WORKS).join(' | ')}] [--files N]`);
    process.exit(2);
  }
  mkdirSync(resolve('.cache'), { recursive: true });
  const root = mkdtempSync(resolve('.cache/scale-'));
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  // In a process of its own with room enough: what lays the log is not what is measured.
  execFileSync(process.execPath, ['--max-old-space-size=6000', SELF, '--child', 'lay', root], {
    env: { ...process.env, SCALE_FILES: String(files) },
    stdio: 'inherit',
  });
  console.log(`${files.toLocaleString('en')} files${' '.repeat(16)}wall s   CPU s   peak MB`);
  for (const name of Object.keys(WORKS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    const out = execFileSync(process.execPath, ['--max-old-space-size=6000', SELF, '--child', name, root], {
      encoding: 'utf8',
    });
    const { wall_ms, cpu_ms, peak_mb, said } = JSON.parse(out);
    const figures = [wall_ms / 1000, cpu_ms / 1000].map((one: number) => one.toFixed(2).padStart(8));
    console.log(`${name.padEnd(24)}${figures.join('')}${peak_mb.toFixed(0).padStart(10)}   ${said}`);
  }
}

async function child(name: string, root: string): Promise<void> {
  const note = join(root, 'laid.json');
  if (name === 'lay') {
    writeFileSync(note, JSON.stringify(await layLog(root, Number(process.env['SCALE_FILES']))));
    return;
  }
  const laid: LaidTable = JSON.parse(readFileSync(note, 'utf8'));
  const started = performance.now();
  const said = await WORKS[name]?.(root, laid);
  const { user, system } = process.cpuUsage();
  const { maxRSS } = process.resourceUsage();
  const wall_ms = performance.now() - started;
  console.log(JSON.stringify({ wall_ms, cpu_ms: (user + system) / 1000, peak_mb: maxRSS / 1024, said }));
}
