import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { timed } from './bench/measure.ts';
import { layLedger } from './scale/lay-ledger.ts';
import { type LaidTable, layLog } from './scale/lay-log.ts';
import { WORKS } from './scale/measure.ts';

/**
 * `npm run build && node scripts/run.mjs scale [work…] [--files N] [--runs N]`: lays the log of a table of N files (100,000) and the ledger of N
 * runs (100,000) without any data, and measures what the program does with them, each work in a process of its own. Figures are in docs/scale.md.
 */
const words = process.argv.slice(2);
const SELF = fileURLToPath(import.meta.url);
const BINARY = resolve('bin/dataflow.js');
/** Commands over a ledger with many runs. */
const COMMANDS = ['status', 'plan', 'run', 'ledger runs', 'releases'];
/** What lays a log holds it in memory twice; what is measured needs far less. */
const ROOMY = '--max-old-space-size=6000';

if (words[0] === '--child') await child(words[1] ?? '', words[2] ?? '', words[3] ?? '');
else await parent();

async function parent(): Promise<void> {
  const option = (name: string): number => {
    const at = words.indexOf(`--${name}`);
    return at < 0 ? 100_000 : Number(words[at + 1]);
  };
  const [files, runs] = [option('files'), option('runs')];
  const names = words.filter(
    (word, at) => !/^--(files|runs)$/.test(word) && !/^--(files|runs)$/.test(words[at - 1] ?? ''),
  );
  const known = [...Object.keys(WORKS), 'ledger'];
  if (names.some((name) => !known.includes(name)) || !Number.isInteger(files) || !Number.isInteger(runs)) {
    console.error(`usage: scale [${known.join(' | ')}] [--files N] [--runs N]`);
    process.exit(2);
  }
  mkdirSync(resolve('.cache'), { recursive: true });
  const root = mkdtempSync(resolve('.cache/scale-'));
  process.on('exit', () => rmSync(root, { recursive: true, force: true }));
  const wanted = known.filter((name) => names.length === 0 || names.includes(name));
  const of_logs = wanted.filter((name) => name !== 'ledger');
  if (of_logs.length > 0) measureLog(root, of_logs, files);
  if (wanted.includes('ledger')) await measureLedger(root, runs);
}

function measureLog(root: string, names: readonly string[], files: number): void {
  execFileSync(process.execPath, [ROOMY, SELF, '--child', 'lay', root, String(files)], { stdio: 'inherit' });
  console.log(heading(`${files.toLocaleString('en')} files`));
  for (const name of names) {
    const out = execFileSync(process.execPath, [ROOMY, SELF, '--child', name, root], { encoding: 'utf8' });
    const { wall_ms, cpu_ms, peak_mb, said } = JSON.parse(out);
    console.log(line(name, wall_ms, cpu_ms, peak_mb, said));
  }
}

async function measureLedger(root: string, runs: number): Promise<void> {
  const cwd = layLedger(root, runs);
  console.log(heading(`${runs.toLocaleString('en')} runs`));
  for (const command of COMMANDS) {
    const { wall_ms, cpu_ms, peak_rss_mb } = await timed(process.execPath, [BINARY, ...command.split(' ')], { cwd });
    console.log(line(command, wall_ms, cpu_ms, peak_rss_mb, ''));
  }
}

function heading(what: string): string {
  return `${what.padEnd(24)}  wall s   CPU s   peak MB`;
}

function line(name: string, wall_ms: number, cpu_ms: number, peak_mb: number, said: string): string {
  const seconds = [wall_ms, cpu_ms].map((one) => (one / 1000).toFixed(2).padStart(8)).join('');
  return `${name.padEnd(24)}${seconds}${peak_mb.toFixed(0).padStart(10)}   ${said}`.trimEnd();
}

async function child(name: string, root: string, files: string): Promise<void> {
  const note = join(root, 'laid.json');
  if (name === 'lay') {
    writeFileSync(note, JSON.stringify(await layLog(root, Number(files))));
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
