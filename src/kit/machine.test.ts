import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { machineLimits } from './machine.ts';

const GB = 2 ** 30;
const BARE = { memory_bytes: 64 * GB, cpus: 16 };
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function root(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-'));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), `${text}\n`);
  }
  return folder;
}

describe('machineLimits', () => {
  it('without control groups: the machine', () => {
    expect(machineLimits(root({}), BARE)).toEqual({
      ...BARE,
      memory_from: 'machine',
      cpus_from: 'machine',
    });
  });

  it('cgroup v2 in a container, whose root is its own group', () => {
    const limits = machineLimits(
      root({
        'proc/self/cgroup': '0::/',
        'sys/fs/cgroup/memory.max': String(2 * GB),
        'sys/fs/cgroup/cpu.max': '150000 100000',
      }),
      BARE,
    );
    expect(limits).toEqual({ memory_bytes: 2 * GB, memory_from: 'container', cpus: 1, cpus_from: 'container' });
  });

  it('cgroup v2: the narrowest of the group and of those above it counts', () => {
    const limits = machineLimits(
      root({
        'proc/self/cgroup': '0::/system.slice/batch.service',
        'sys/fs/cgroup/system.slice/memory.max': String(3 * GB),
        'sys/fs/cgroup/system.slice/batch.service/memory.max': 'max',
        'sys/fs/cgroup/system.slice/batch.service/cpu.max': 'max 100000',
        'sys/fs/cgroup/system.slice/batch.service/cpuset.cpus.effective': '0-3,8',
      }),
      BARE,
    );
    expect(limits).toMatchObject({ memory_bytes: 3 * GB, cpus: 5 });
  });

  it('cgroup v1 with hierarchies of several controllers', () => {
    const limits = machineLimits(
      root({
        'proc/self/cgroup': '4:memory:/jobs/7\n2:cpu,cpuacct:/jobs/7\n3:cpuset:/',
        'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
        'sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes': String(GB),
        'sys/fs/cgroup/cpu/jobs/7/cpu.cfs_quota_us': '400000',
        'sys/fs/cgroup/cpu/jobs/7/cpu.cfs_period_us': '100000',
        'sys/fs/cgroup/cpuset/cpuset.cpus': '0-15',
      }),
      BARE,
    );
    expect(limits).toEqual({ memory_bytes: GB, memory_from: 'container', cpus: 4, cpus_from: 'container' });
  });

  it('a quota below one CPU leaves one, "no limit" limits nothing', () => {
    const files = {
      'proc/self/cgroup': '0::/',
      'sys/fs/cgroup/memory.max': 'max',
      'sys/fs/cgroup/cpu.max': '20000 100000',
    };
    expect(machineLimits(root(files), BARE)).toMatchObject({ ...BARE, cpus: 1 });
    const unlimited = { 'proc/self/cgroup': '1:cpu:/', 'sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1' };
    expect(machineLimits(root(unlimited), BARE)).toMatchObject(BARE);
  });
});
