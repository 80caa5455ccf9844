import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

// biome-ignore lint/suspicious/noExplicitAny: answers of every shape are looked into
type Body = any;

/** The built program as a server in a project's folder. */
export interface ServedProgram {
  readonly url: string;
  /** The answer to a GET, which has to be JSON. */
  get(
    path: string,
    headers?: Readonly<Record<string, string>>,
  ): Promise<{ status: number; headers: Headers; body: Body }>;
  /** Ends it; what it wrote on stderr. */
  stop(): Promise<string>;
}

/** Starts `dataflow serve` at a free port. @throws Error with what it said when it ends before it listens. */
export async function servedProgram(
  folder: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<ServedProgram> {
  const words = [resolve('bin/dataflow.js'), 'serve', '--port', '0', ...args];
  const child = spawn(process.execPath, words, { cwd: folder, env: { ...process.env, ...env } });
  const ended = new Promise<void>((done) => child.once('exit', () => done()));
  let told = '';
  const url = await new Promise<string>((found, failed) => {
    child.stderr.on('data', (piece: Buffer) => {
      told += piece.toString();
      const at = /http:\/\/127\.0\.0\.1:\d+/.exec(told);
      if (at !== null) found(at[0]);
    });
    void ended.then(() => failed(new Error(told)));
  });
  return {
    url,
    get: async (path, headers = {}) => {
      const response = await fetch(url + path, { headers });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
    stop: async () => {
      child.kill('SIGTERM');
      await ended;
      return told;
    },
  };
}
