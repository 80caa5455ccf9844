import { execFile } from 'node:child_process';
import { resolve } from 'node:path';

const BINARY = resolve('bin/dataflow.js');

export interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** The built program in a project's folder. */
export interface BuiltProgram {
  run(...args: readonly string[]): Promise<Ended>;
  /** The rows of a query, as `--format json` prints them. */
  rows(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
}

export function builtProgram(folder: string, more: Readonly<Record<string, string>>): BuiltProgram {
  const env = { ...process.env, ...more };
  const run = (...args: readonly string[]): Promise<Ended> =>
    new Promise((done) => {
      execFile(process.execPath, [BINARY, ...args], { cwd: folder, env }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
      );
    });
  return {
    run,
    rows: async (sql) => JSON.parse((await run('query', sql, '--format', 'json')).stdout) as Record<string, unknown>[],
  };
}
