import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { expect } from 'vitest';
import { askAndWait, sharesProcess } from './asker.ts';

/** Small projects in temporary folders and the built binary as a black box, for the tests of the fault catalogue. */
export const BINARY = resolve('bin/dataflow.js');

export interface Outcome {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TableLine {
  readonly step: string;
  readonly status: string;
  readonly version: number | null;
  readonly rows_in: number | null;
  readonly rows_out: number | null;
  readonly quarantined: number;
  readonly deduplicated: number | null;
  readonly filtered: number | null;
  readonly reason: string;
  readonly error: string | null;
}

export interface InputLine {
  readonly source: string;
  readonly path: string;
  readonly status: string;
  readonly records: number;
  readonly rejected: number;
  readonly same_as?: string | null;
  readonly reason?: string | null;
}

export type Row = Readonly<Record<string, unknown>>;
type Env = Readonly<Record<string, string | undefined>>;

export interface Place {
  readonly folder: string;
  put(files: Readonly<Record<string, string | Uint8Array>>): void;
  /** Runs one command line to its end, in a process of its own or in one that it shares with others (`asker.ts`). */
  dataflow(args: readonly string[], env?: Env): Outcome;
  /** Starts one; `ended` settles when the process is gone and its output is read. */
  start(args: readonly string[], env?: Env): { readonly child: ChildProcess; readonly ended: Promise<Outcome> };
  status(): ReadonlyMap<string, TableLine>;
  inputs(): readonly InputLine[];
  query(sql: string): readonly Row[];
  remove(): void;
}

/** @param config everything of pipelines.yaml below `engine:`. */
export function newPlace(
  config: string,
  options: { readonly folder?: string; readonly name?: string; readonly lake?: string; readonly binary?: string } = {},
): Place {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'dataflow-fault-'));
  const head = `version: 1\nname: ${options.name ?? 'fault'}\nlake: { url: ${options.lake ?? './lake'} }\nengine: { type: duckdb, threads: 2, memory_limit: 512MB }\n`;
  const put: Place['put'] = (files) => {
    for (const [name, content] of Object.entries(files)) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      // The file of another place, too: that one keeps it.
      if ((statSync(path, { throwIfNoEntry: false })?.nlink ?? 1) > 1) rmSync(path);
      writeFileSync(path, content);
    }
  };
  put({ 'pipelines.yaml': head + config });
  const binary = options.binary ?? BINARY;
  const dataflow: Place['dataflow'] = (args, env) => {
    // Another build is asked too seldom to keep a process of it.
    if (options.binary === undefined && sharesProcess(args, { env }))
      return honest({ ...askAndWait(binary, { args, cwd: folder, env: { ...process.env, ...env } }), signal: null });
    const child = spawnSync(process.execPath, [binary, ...args], {
      cwd: folder,
      env: { ...process.env, ...env },
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 1 << 26,
    });
    return honest({ status: child.status, signal: child.signal, stdout: child.stdout, stderr: child.stderr });
  };
  const json = (args: readonly string[]): unknown => {
    const outcome = dataflow([...args, '--format', 'json']);
    expect(outcome, args.join(' ')).toMatchObject({ status: 0 });
    return JSON.parse(outcome.stdout);
  };
  return {
    folder,
    put,
    dataflow,
    start: (args, env = {}) => {
      const child = spawn(process.execPath, [binary, ...args], { cwd: folder, env: { ...process.env, ...env } });
      return { child, ended: outcomeOf(child) };
    },
    status: () => {
      const { tables } = json(['status']) as { tables: readonly TableLine[] };
      for (const table of tables) expectBalanced(table);
      return new Map(tables.map((table) => [table.step, table]));
    },
    inputs: () => json(['ledger', 'inputs']) as readonly InputLine[],
    query: (sql) => json(['query', sql]) as readonly Row[],
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Files of a place other than its lake: where they are put. */
const INPUTS = 'in';

/**
 * Gives a new place the lake and the files of another one, which costs a tenth of the runs that made them. The files are the same ones, so that a run there
 * finds nothing new; `put` writes others in their stead.
 */
export function copyInto(to: Place, from: Place): void {
  const lake = join(from.folder, 'lake');
  if (existsSync(lake)) cpSync(lake, join(to.folder, 'lake'), { recursive: true, preserveTimestamps: true });
  for (const name of filesBelow(join(from.folder, INPUTS), '')) {
    const [old, path] = [join(from.folder, INPUTS, name), join(to.folder, INPUTS, name)];
    if (statSync(old).isDirectory()) continue;
    mkdirSync(dirname(path), { recursive: true });
    linkSync(old, path);
  }
}

function outcomeOf(child: ChildProcess): Promise<Outcome> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return new Promise((done, failed) => {
    child.on('error', failed);
    child.on('close', (status, signal) => done(honest({ status, signal, stdout, stderr })));
  });
}

/** Rows in = rows out + quarantined + deduplicated + filtered, for a step that wrote something. */
function expectBalanced(table: TableLine): void {
  const { rows_in, rows_out, deduplicated, filtered, step } = table;
  if (rows_in === null || rows_out === null || step.startsWith('gold.')) return;
  expect(rows_in, `balance of ${step}`).toBeGreaterThanOrEqual(rows_out + (deduplicated ?? 0) + (filtered ?? 0));
}

/** Whatever happens, nobody is shown a stack trace or told of a defect, and an error always says what to do next. */
function honest(outcome: Outcome): Outcome {
  expect(outcome.stderr).not.toMatch(/^\s+at .+\(.*:\d+:\d+\)|^\s+at (file|node):|E_INTERNAL/m);
  const errors = [...outcome.stderr.matchAll(/^error\[E_\w+\] .+$/gm)].length;
  if (errors > 0) expect([...outcome.stderr.matchAll(/^ {2}next: .+$/gm)].length, outcome.stderr).toBe(errors);
  return outcome;
}

/** The run ended as the catalogue says for `code`: this exit status, one line of cause, one of remedy. */
export function expectError(outcome: Outcome, code: string, status: number): void {
  expect(outcome.stderr, `${outcome.stdout}\n${outcome.stderr}`).toContain(`error[${code}]`);
  expect(outcome.stderr).toMatch(/^ {2}next: .+$/m);
  expect(outcome.status).toBe(status);
}

export function expectDone(outcome: Outcome): void {
  expect(outcome.status, `${outcome.stdout}\n${outcome.stderr}`).toBe(0);
}

/** Files below a folder of the lake whose names end so. */
export function filesBelow(folder: string, ending: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(ending))
    .sort();
}
