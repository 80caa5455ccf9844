import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { ask, sharesProcess } from '../../../test/support/asker.ts';

const BINARY = resolve('bin/dataflow.js');

/** How a command of the built program ended. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** What `pipelines.yaml` says. */
export interface ProjectParts {
  readonly source: object;
  readonly connections?: object;
  /** Further sections. */
  readonly more?: object;
}

/** A project with one source in a folder of its own: the built program is run on it as a user would. */
export class SourceProject {
  readonly root: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(parts: ProjectParts, env: Readonly<Record<string, string>> = {}, name = 's') {
    if (!existsSync(BINARY)) throw new Error('bin/dataflow.js is missing: npm run build');
    this.root = mkdtempSync(join(tmpdir(), 'dataflow-source-'));
    this.#env = env;
    this.configure(parts, name);
  }

  /** Writes `pipelines.yaml` anew. */
  configure(parts: ProjectParts, name = 's'): void {
    const config = {
      name: 'contract',
      ...(parts.connections === undefined ? {} : { connections: parts.connections }),
      sources: { [name]: parts.source },
      ...parts.more,
    };
    writeFileSync(join(this.root, 'pipelines.yaml'), stringify(config));
  }

  start(args: readonly string[], env: Readonly<Record<string, string>> = {}): Running {
    const child = spawn(process.execPath, [BINARY, ...args], {
      cwd: this.root,
      env: { ...this.#environment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    const ended = new Promise<Ended>((done, fail) => {
      child.on('error', fail);
      child.on('close', (status, signal) =>
        done({ status, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
      );
    });
    return { child, ended };
  }

  /** Runs a command to its end, in a process of its own or in one that it shares with others (`asker.ts`). */
  async run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
    if (!sharesProcess(args, { env })) return this.start(args, env).ended;
    const question = { args, cwd: this.root, env: { ...this.#environment(), ...env } };
    return { ...(await ask(BINARY, question)), signal: null };
  }

  #environment(): NodeJS.ProcessEnv {
    return { ...process.env, NO_COLOR: '1', XDG_CACHE_HOME: join(this.root, '.cache'), ...this.#env };
  }

  /** The command must succeed. */
  async ok(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Ended> {
    const ended = await this.run(args, env);
    if (ended.status !== 0)
      throw new Error(
        `dataflow ${args.join(' ')} ended with ${ended.status ?? ended.signal}:\n${ended.stdout}${ended.stderr}`,
      );
    return ended;
  }

  async query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const { stdout } = await this.ok(['query', '--format', 'json', sql]);
    return JSON.parse(stdout) as Record<string, unknown>[];
  }

  /** Every file of the lake and its state, as text: whether something stands anywhere in it. */
  holds(text: string, folder = join(this.root, 'lake')): readonly string[] {
    if (!existsSync(folder)) return [];
    return readdirSync(folder).flatMap((name) => {
      const path = join(folder, name);
      const found = statSync(path, { throwIfNoEntry: false });
      if (found === undefined) return []; // gone meanwhile: a program is at work
      if (found.isDirectory()) return this.holds(text, path);
      return readFileSync(path).includes(text) ? [path] : [];
    });
  }

  remove(): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
