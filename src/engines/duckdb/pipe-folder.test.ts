import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it, vi } from 'vitest';
import { makePipeFolder, sweepPipeFolders } from './pipe-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'dataflow-pipes-'));
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(root, { recursive: true, force: true });
});

it('removes folders of killed processes, and no others', () => {
  vi.stubEnv('TMPDIR', root);
  const dead = spawnSync(process.execPath, ['--version']).pid;
  const made = (name: string, age_s: number): string => {
    mkdirSync(join(root, name));
    writeFileSync(join(root, name, 'rows'), '');
    utimesSync(join(root, name), Date.now() / 1000 - age_s, Date.now() / 1000 - age_s);
    return name;
  };
  const left = made(`dataflow-out-${dead}-aaaaaa`, 600);
  const young = made(`dataflow-out-${dead}-bbbbbb`, 1);
  const alive = made(`dataflow-out-${process.pid}-cccccc`, 600);
  const others = made(`other-out-${dead}-dddddd`, 600);
  expect(readdirSync(root)).toContain(left);
  sweepPipeFolders();
  expect(readdirSync(root).sort()).toEqual([young, alive, others].sort());
  const own = makePipeFolder();
  expect(own.startsWith(join(root, `dataflow-out-${process.pid}-`))).toBe(true);
});
