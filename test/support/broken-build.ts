import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** One change of the source: `from` is replaced by `to`. */
export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface OtherBuild {
  /** A checkout of its own. */
  readonly folder: string;
  readonly binary: string;
  remove(): void;
}

/** What a build needs, and what tests of it do. */
const SOURCES = ['src', 'scripts', 'bin', 'package.json', 'tsconfig.json'];
const TESTS = ['test', 'fixtures', 'models', 'pipelines.yaml', 'vitest.config.ts'];

/** The source with the mistake in it. Throws when the text to be replaced is not there any more, or more than once. */
export function brokenText({ file, from, to }: Edit, text = readFileSync(resolve(file), 'utf8')): string {
  if (text.split(from).length !== 2) throw new Error(`${file} does not hold once: ${from}`);
  return text.replace(from, () => to);
}

/** Builds the program with a mistake in it, beside the real one; `tests`: with the tests around it. */
export function buildWith(edits: readonly Edit[], { tests = false } = {}): OtherBuild {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-broken-'));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    for (const name of tests ? [...SOURCES, ...TESTS] : SOURCES)
      cpSync(resolve(name), join(folder, name), { recursive: true });
    symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
    for (const edit of edits) {
      const file = join(folder, edit.file);
      writeFileSync(file, brokenText(edit, readFileSync(file, 'utf8')));
    }
    const child = spawnSync(process.execPath, ['scripts/build.mjs', '--quick', '--no-terminal'], {
      cwd: folder,
      encoding: 'utf8',
      timeout: 120_000,
    });
    if (child.status !== 0) throw new Error(`the broken build does not build: ${child.stderr}`);
  } catch (error) {
    remove();
    throw error;
  }
  return { folder, binary: join(folder, 'bin/dataflow.js'), remove };
}
