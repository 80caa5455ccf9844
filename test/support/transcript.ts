import { spawnSync } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * The sessions in the guide. A page that says `<!-- transcript: retail -->` has its `console` blocks run in order in one fresh
 * copy of the retail project; a line that starts with `$ ` is a command (`> ` continues it), the lines after it are what it prints.
 * One that says `<!-- transcript: services -->` is run by `npm run test:services`, see `service-session.ts`.
 */
export interface Command {
  readonly text: string;
  /** 1-based line of the page. */
  readonly line: number;
  readonly output: readonly string[];
}

export interface Block {
  /** Index of the first line inside the fence, and of the closing fence. */
  readonly from: number;
  readonly to: number;
  readonly commands: readonly Command[];
}

const MARK = /^<!-- transcript: (retail|services) -->$/m;

export function isTranscript(page: string, where: 'retail' | 'services' = 'retail'): boolean {
  return MARK.exec(page)?.[1] === where;
}

export function blocksOf(page: string): readonly Block[] {
  const lines = page.split('\n');
  const blocks: Block[] = [];
  for (let at = 0; at < lines.length; at++) {
    if (lines[at] !== '```console') continue;
    const from = at + 1;
    while (at < lines.length && (at < from || lines[at] !== '```')) at++;
    blocks.push({ from, to: at, commands: commandsOf(lines, from, at) });
  }
  return blocks;
}

/** The page with what its commands print now. */
export function rewritten(page: string, run: (command: string) => readonly string[]): string {
  const lines = page.split('\n');
  const blocks = blocksOf(page).map((block) => ({
    block,
    written: block.commands.flatMap(({ text }) => [`$ ${text.replaceAll('\n', '\n> ')}`, ...run(text)]),
  }));
  // From the last to the first, so that the positions stay right.
  for (const { block, written } of blocks.toReversed()) lines.splice(block.from, block.to - block.from, ...written);
  return lines.join('\n');
}

function commandsOf(lines: readonly string[], from: number, to: number): readonly Command[] {
  const commands: { text: string; line: number; output: string[] }[] = [];
  for (let at = from; at < to; at++) {
    const line = lines[at] ?? '';
    const last = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ text: line.slice(2), line: at + 1, output: [] });
    else if (last !== undefined && line.startsWith('> ') && last.output.length === 0) last.text += `\n${line.slice(2)}`;
    else if (last !== undefined) last.output.push(line);
  }
  return commands.map((command) => ({ ...command, output: trimmed(command.output) }));
}

export function trimmed(lines: readonly string[]): readonly string[] {
  let end = lines.length;
  while (end > 0 && lines[end - 1]?.trim() === '') end--;
  return lines.slice(0, end).map((line) => line.trimEnd());
}

/** Where pages pretend to be run. */
const SHOWN_FOLDER = '/srv/retail';

export interface Workshop {
  /** A fresh copy of the retail project, loaded once; `run` gives what a command prints, `remove` clears it away. */
  project(): { run(command: string): readonly string[]; remove(): void };
  remove(): void;
}

/** Where the demo's files are. */
const DATA = 'data';
/** What the demo makes: the same files every time. */
const GENERATE = 'dataflow generate --seed 1 --bad 0.02';

export function openWorkshop(): Workshop {
  const root = mkdtempSync(join(tmpdir(), 'dataflow-transcripts-'));
  const bin = join(root, 'bin');
  mkdirSync(bin);
  putProgram(bin);
  let count = 0;
  let made: { readonly folder: string; readonly stamps: string } | undefined;
  const make = (): string => {
    const folder = join(root, `made-${++count}`);
    mkdirSync(folder);
    for (const part of ['pipelines.yaml', 'models']) cpSync(part, join(folder, part), { recursive: true });
    // Older than the moment for which a file is left to settle.
    mustRun(root, bin, `${GENERATE} && touch -d '1 hour ago' data/* && dataflow run`, folder);
    return folder;
  };
  return {
    project: () => {
      // A page that wrote into a file, instead of putting another one in its place, wrote into this one.
      if (made === undefined || stampsOf(made.folder) !== made.stamps) {
        const folder = make();
        made = { folder, stamps: stampsOf(folder) };
      }
      const folder = join(root, `page-${++count}`);
      copyProject(made.folder, folder);
      return {
        run: (command) => shown(bash(root, bin, command, folder).stdout, folder),
        remove: () => rmSync(folder, { recursive: true, force: true }),
      };
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
}

/** Its files are the same ones, so that a run finds nothing new in them. */
function copyProject(from: string, to: string): void {
  const data = join(from, DATA);
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter: (path) => path !== data });
  mkdirSync(join(to, DATA));
  for (const name of readdirSync(data)) linkSync(join(data, name), join(to, DATA, name));
}

function stampsOf(folder: string): string {
  return readdirSync(join(folder, DATA))
    .map((name) => {
      const { size, mtimeNs } = statSync(join(folder, DATA, name), { bigint: true });
      return `${name} ${size} ${mtimeNs}`;
    })
    .join('\n');
}

/** The built program as `dataflow`, in a folder for PATH. */
export function putProgram(bin: string): void {
  const script = `#!/bin/sh\nexec "${process.execPath}" "${resolve('bin/dataflow.js')}" "$@"\n`;
  writeFileSync(join(bin, 'dataflow'), script, { mode: 0o755 });
}

function bash(root: string, bin: string, command: string, cwd: string): { status: number | null; stdout: string } {
  const child = spawnSync('bash', ['-c', `exec 2>&1\n${command}`], {
    cwd,
    encoding: 'utf8',
    timeout: 120_000,
    maxBuffer: 1 << 26,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      HOME: root,
      XDG_CACHE_HOME: join(root, 'cache'),
      TZ: 'UTC',
      LANG: 'C.UTF-8',
      COLUMNS: '80',
      PORT,
      NO_COLOR: '1',
    },
  });
  return { status: child.status, stdout: child.stdout };
}

function mustRun(root: string, bin: string, command: string, cwd: string): void {
  const { status, stdout } = bash(root, bin, command, cwd);
  if (status !== 0) throw new Error(`${command} ended with ${status}:\n${stdout}`);
}

/** Where servers of the pages listen; not the same in two processes of one machine, as far as chance goes. */
const PORT = String(20_000 + Math.floor(Math.random() * 10_000));

/** What a page shows of an output: no path and no name of the machine it was made on. */
function shown(output: string, folder: string): readonly string[] {
  const user = userInfo().username;
  const text = output
    .replaceAll(folder, SHOWN_FOLDER)
    .replaceAll(`127.0.0.1:${PORT}`, '127.0.0.1:8000')
    .replace(new RegExp(`\\b${user}\\b`, 'g'), 'you');
  return trimmed(text.split('\n'));
}
