import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { ask, sharesProcess } from '../support/asker.ts';

const BINARY = resolve('bin/dataflow.js');

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  /** By SIGKILL, its own or that of {@link BuiltProgram.cut}. */
  readonly killed: boolean;
}

/** The built program in a project's folder. */
export interface BuiltProgram {
  run(...args: readonly string[]): Promise<Ended>;
  /** Killed after so many milliseconds, unless it came to its end before. */
  cut(after_ms: number, ...args: readonly string[]): Promise<Ended>;
  /** The rows of a query, as `--format json` prints them. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

/** @param options `share`: commands that nothing disturbs are taken by one process, one after another (`asker.ts`) */
export function builtProgram(
  folder: string,
  more: Readonly<Record<string, string>>,
  options: { readonly share?: true } = {},
): BuiltProgram {
  const env = { ...process.env, ...more };
  const cut = (timeout: number, ...args: readonly string[]): Promise<Ended> =>
    new Promise((done) => {
      const how = { cwd: folder, env, timeout, killSignal: 'SIGKILL' } as const;
      execFile(process.execPath, [BINARY, ...args], how, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code), stdout, stderr, killed: error?.signal === 'SIGKILL' }),
      );
    });
  const run = async (...args: readonly string[]): Promise<Ended> => {
    if (options.share !== true || !sharesProcess(args, { env: more, work: true })) return cut(0, ...args);
    const { status, stdout, stderr } = await ask(BINARY, { args, cwd: folder, env });
    return { code: status, stdout, stderr, killed: false };
  };
  return {
    ...{ run, cut },
    rows: async (sql) => {
      const { stdout } = await ask(BINARY, { args: ['query', sql, '--format', 'json'], cwd: folder, env });
      return JSON.parse(stdout) as Record<string, unknown>[];
    },
  };
}
