import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/** One mistake in the source: `from` is replaced by `to`. */
export interface Mistake {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

export interface OtherBuild {
  readonly binary: string;
  remove(): void;
}

/** Builds the program with a mistake in it, beside the real one. Throws when the text to be replaced is not there any more. */
export function buildWith(mistake: Mistake): OtherBuild {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-broken-'));
  for (const name of ['src', 'scripts', 'bin', 'package.json'])
    cpSync(resolve(name), join(folder, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  const file = join(folder, mistake.file);
  const text = readFileSync(file, 'utf8');
  if (text.split(mistake.from).length !== 2) throw new Error(`${mistake.file} does not hold once: ${mistake.from}`);
  writeFileSync(
    file,
    text.replace(mistake.from, () => mistake.to),
  );
  const built = spawnSync(process.execPath, ['scripts/build.mjs'], { cwd: folder, encoding: 'utf8', timeout: 120_000 });
  if (built.status !== 0) throw new Error(`the broken build does not build: ${built.stderr}`);
  return { binary: join(folder, 'bin/dataflow.js'), remove: () => rmSync(folder, { recursive: true, force: true }) };
}
