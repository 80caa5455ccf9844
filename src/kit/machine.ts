import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

/** What this process may use: the machine's, or less when a container, a scheduler or an affinity mask says so. */
export interface MachineLimits {
  readonly memory_bytes: number;
  /** What sets the memory: `the machine` or `the container`. */
  readonly memory_from: 'machine' | 'container';
  readonly cpus: number;
  readonly cpus_from: 'machine' | 'container';
}

/** What the machine has without any container; a test may say otherwise. */
export interface BareMachine {
  readonly memory_bytes: number;
  readonly cpus: number;
}

/**
 * Reads cgroup v2 (`memory.max`, `cpu.max`, `cpuset.cpus.effective`) and v1 (`memory.limit_in_bytes`, `cpu.cfs_quota_us`, `cpuset.cpus`) of
 * this process's own group and of all groups above it: each of them limits. Absent or unreadable files limit nothing.
 * @param root where `/proc` and `/sys` are found.
 */
export function machineLimits(
  root = '/',
  bare: BareMachine = { memory_bytes: totalmem(), cpus: availableParallelism() },
): MachineLimits {
  const found = groupFolders(root).map(limitsOfGroup);
  const memory = Math.min(...found.map((one) => one.memory_bytes));
  const cpus = Math.min(...found.map((one) => one.cpus));
  return {
    memory_bytes: Math.min(bare.memory_bytes, memory),
    memory_from: memory < bare.memory_bytes ? 'container' : 'machine',
    cpus: Math.max(1, Math.min(bare.cpus, Math.floor(cpus))),
    cpus_from: Math.floor(cpus) < bare.cpus ? 'container' : 'machine',
  };
}

interface GroupLimits {
  readonly memory_bytes: number;
  readonly cpus: number;
}

/** Folders of this process's control groups, innermost first, with the mount point of each hierarchy last. */
function groupFolders(root: string): readonly string[] {
  const base = join(root, 'sys/fs/cgroup');
  const folders: string[] = [];
  for (const line of (read(join(root, 'proc/self/cgroup')) ?? '0::/').split('\n')) {
    const [, names, path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (names === undefined) continue;
    const mounts = names === '' ? [base, join(base, 'unified')] : [join(base, names), ...eachOf(base, names)];
    for (const mount of mounts) {
      const parts = path.split('/').filter((part) => part !== '' && part !== '..');
      for (let depth = parts.length; depth >= 0; depth--) folders.push(join(mount, ...parts.slice(0, depth)));
    }
  }
  return [...new Set(folders)];
}

/** `cpu,cpuacct` may be mounted under each of its names. */
function eachOf(base: string, names: string): readonly string[] {
  return names.includes(',') ? names.split(',').map((name) => join(base, name)) : [];
}

function limitsOfGroup(folder: string): GroupLimits {
  const number = (name: string): number => positive(read(join(folder, name)));
  const [quota, period] = (read(join(folder, 'cpu.max')) ?? '').split(/\s+/);
  return {
    memory_bytes: Math.min(number('memory.max'), number('memory.limit_in_bytes')),
    cpus: Math.min(
      share(positive(quota), positive(period)),
      share(number('cpu.cfs_quota_us'), number('cpu.cfs_period_us')),
      cpusIn(read(join(folder, 'cpuset.cpus.effective'))),
      cpusIn(read(join(folder, 'cpuset.effective_cpus')) ?? read(join(folder, 'cpuset.cpus'))),
    ),
  };
}

/** A quota below one CPU still runs on one. */
function share(quota: number, period: number): number {
  return Number.isFinite(quota) && Number.isFinite(period) ? Math.max(1, quota / period) : Number.POSITIVE_INFINITY;
}

/** `max`, `-1` and nothing at all mean that there is no limit. */
function positive(text: string | undefined): number {
  const value = Number(text === undefined || text === '' ? Number.NaN : text);
  return Number.isFinite(value) && value > 0 ? value : Number.POSITIVE_INFINITY;
}

/** How many CPUs a list such as `0-3,8` names. */
function cpusIn(list: string | undefined): number {
  if (list === undefined || list === '') return Number.POSITIVE_INFINITY;
  let count = 0;
  for (const part of list.split(',')) {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    count += to - from + 1;
  }
  return Number.isFinite(count) && count > 0 ? count : Number.POSITIVE_INFINITY;
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}
