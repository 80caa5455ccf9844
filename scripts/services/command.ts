import { execFile } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const OUTPUT_MAX_BYTES = 1 << 26;

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeout_ms?: number;
}

/** Runs a command to its end and gives what it wrote to stdout; the error of a failure ends with its last lines. */
export function runCommand(command: string, args: readonly string[], options: CommandOptions = {}): Promise<string> {
  const settings = {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    timeout: options.timeout_ms ?? 120_000,
    maxBuffer: OUTPUT_MAX_BYTES,
  };
  return new Promise((resolve, reject) => {
    const child = execFile(command, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const said = lastLines(`${stdout}\n${stderr}`, 5);
      const how = error.killed === true ? `ended after ${settings.timeout} ms` : `status ${error.code}`;
      reject(new Error(`${command} ${args.slice(0, 2).join(' ')}: ${how}${said === '' ? '' : `: ${said}`}`));
    });
    child.stdin?.end();
  });
}

/** The last lines that say something, without colours. */
export function lastLines(text: string, count: number): string {
  const plain = text.replaceAll(/\u001b\[[\d;]*m/g, '').split('\n');
  const lines = plain.map((line) => line.trim()).filter((line) => line !== '');
  return lines.slice(-count).join('\n');
}

/** The full path of a program, from PATH and further folders. */
export function findProgram(name: string, folders: readonly string[] = []): string | undefined {
  for (const folder of [...folders, ...(process.env['PATH'] ?? '').split(delimiter)]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}
