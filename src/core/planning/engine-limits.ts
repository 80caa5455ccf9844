import { parseSize, sizeText } from '../../kit/units.ts';
import type { EngineSpec } from '../model/project.ts';

/** What a machine or container has; see `kit/machine.ts`. */
export interface Capacity {
  readonly memory_bytes: number;
  readonly memory_from: 'machine' | 'container';
  readonly cpus: number;
  readonly cpus_from: 'machine' | 'container';
}

/** What the engine gets. */
export interface EngineLimits {
  readonly memory_bytes: number;
  readonly threads: number;
  /** Configured values that are more than there is. */
  readonly warnings: readonly string[];
}

/** Part of the memory that the engine gets by itself; the rest is for the program, the file inspections and the system. */
const MEMORY_SHARE = 0.6;

/** The engine's memory and threads: as configured, else what fits the machine or the container. */
export function engineLimits(spec: EngineSpec, capacity: Capacity): EngineLimits {
  const told = spec.memory_limit === undefined ? undefined : parseSize(spec.memory_limit);
  const warnings: string[] = [];
  if (told !== undefined && told > capacity.memory_bytes) {
    warnings.push(
      `engine.memory_limit is ${spec.memory_limit}, but the ${capacity.memory_from} has ${sizeText(capacity.memory_bytes)}: the system may kill the process. ` +
        `Leave it out to use ${sizeText(defaultMemory(capacity))}.`,
    );
  }
  if (spec.threads !== undefined && spec.threads > capacity.cpus) {
    warnings.push(
      `engine.threads is ${spec.threads}, but the ${capacity.cpus_from} has ${cpus(capacity.cpus)}: more threads need more memory and are not faster.`,
    );
  }
  return {
    memory_bytes: told ?? defaultMemory(capacity),
    threads: spec.threads ?? capacity.cpus,
    warnings,
  };
}

function defaultMemory(capacity: Capacity): number {
  return Math.floor((capacity.memory_bytes * MEMORY_SHARE) / 2 ** 20) * 2 ** 20;
}

function cpus(count: number): string {
  return count === 1 ? '1 CPU' : `${count} CPUs`;
}
