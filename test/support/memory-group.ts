import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A control group of this machine whose processes get only so much memory together: beyond it the kernel kills one. */
export interface MemoryGroup {
  /** Put before a shell's command: its process joins the group. */
  readonly join: string;
  /** Once its processes are gone. */
  remove(): void;
}

/** Where version 1 and version 2 of control groups are mounted, and what their limits are called. */
const KINDS: readonly (readonly [folder: string, limits: readonly string[]])[] = [
  ['/sys/fs/cgroup/memory', ['memory.limit_in_bytes']],
  ['/sys/fs/cgroup', ['memory.max']],
];

/** Undefined where no group can be made. */
export function memoryGroup(bytes: number): MemoryGroup | undefined {
  for (const [root, limits] of KINDS) {
    const folder = join(root, `dataflow-test-${process.pid}`);
    try {
      mkdirSync(folder);
    } catch {
      continue;
    }
    const remove = (): void => rmdirSync(folder);
    try {
      for (const limit of limits) writeFileSync(join(folder, limit), String(bytes), { flag: 'r+' });
      return { join: `echo $$ > '${join(folder, 'cgroup.procs')}'`, remove };
    } catch {
      remove();
    }
  }
  return undefined;
}
