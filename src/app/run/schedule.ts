import { type Graph, parentsOf } from '../../core/planning/graph.ts';

/** How a step of a schedule ended, as far as its dependants care. */
export type StepEnd = 'ok' | 'failed' | 'skipped';

export interface ScheduleOptions {
  readonly fail_fast?: boolean;
  /** Asked when all parents of a step have ended. */
  readonly small?: (key: string) => boolean;
}

/** Steps that run at the same time when those beyond `parallel` are small. */
const LANES = 6;

/**
 * Runs the steps of a graph, each after all its selected parents, at most `parallel` at a time. When a step does not end `ok`
 * its dependants are not run but handed to `skip` with the culprit; independent branches go on, unless `fail_fast` is set: then nothing
 * is started after the first failure, and all the rest is skipped because of it. Steps that `small` says have next to nothing to
 * compute wait for the disk more than for the processor: a few of them run beside the others.
 */
export async function runSchedule(
  graph: Graph,
  selected: ReadonlySet<string>,
  parallel: number,
  run: (key: string) => Promise<StepEnd>,
  skip: (key: string, because: string, fail_fast: boolean) => void,
  { fail_fast = false, small = () => false }: ScheduleOptions = {},
): Promise<void> {
  const ends = new Map<string, StepEnd>();
  const waiting = graph.nodes.filter((node) => selected.has(node.key)).map((node) => node.key);
  const running = new Map<string, Promise<void>>();
  let first_failed: string | undefined;
  const parents = selectedParents(graph, selected);
  // One at a time stays one at a time; and after a failure as little as possible should be under way.
  const lanes = parallel > 1 && !fail_fast ? Math.max(parallel, LANES) : parallel;
  const fits = (key: string): boolean => running.size < parallel || (running.size < lanes && small(key));
  let troubled = false;
  const start = (key: string): void => {
    const task = run(key).then((end) => {
      ends.set(key, end);
      troubled ||= end !== 'ok';
      if (end === 'failed') first_failed ??= key;
      running.delete(key);
    });
    running.set(key, task);
  };
  /** Starts or skips the step when its time has come. */
  const settle = (key: string): boolean => {
    const mine = parents.get(key) ?? [];
    const parent = mine.find((one) => !['ok', undefined].includes(ends.get(one)));
    const culprit = parent ?? (fail_fast ? first_failed : undefined);
    if (culprit !== undefined) {
      ends.set(key, 'skipped');
      skip(key, culprit, parent === undefined);
      return true;
    }
    if (!mine.every((one) => ends.get(one) === 'ok') || !fits(key)) return false;
    start(key);
    return true;
  };
  while (waiting.length > 0 || running.size > 0) {
    let moved = false;
    for (const key of [...waiting]) {
      if (running.size >= lanes && !troubled) break;
      if (!settle(key)) continue;
      waiting.splice(waiting.indexOf(key), 1);
      moved = true;
    }
    if (running.size > 0) await Promise.race(running.values());
    else if (!moved && waiting.length > 0) throw new Error(`no step can start: ${waiting.join(', ')}`);
  }
}

function selectedParents(graph: Graph, selected: ReadonlySet<string>): ReadonlyMap<string, readonly string[]> {
  const nodes = graph.nodes.filter((node) => selected.has(node.key));
  return new Map(nodes.map((node) => [node.key, parentsOf(node).filter((parent) => selected.has(parent))]));
}
