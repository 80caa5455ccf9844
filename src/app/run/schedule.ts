import { type Graph, parentsOf } from '../../core/planning/graph.ts';

/** How a step of a schedule ended, as far as its dependants care. */
export type StepEnd = 'ok' | 'failed' | 'skipped';

/**
 * Runs the steps of a graph, each after all its selected parents, at most `parallel` at a time. When a step does not end `ok`
 * its dependants are not run but handed to `skip` with the culprit; independent branches go on, unless `fail_fast` is set: then nothing
 * is started after the first failure, and all the rest is skipped because of it.
 */
export async function runSchedule(
  graph: Graph,
  selected: ReadonlySet<string>,
  parallel: number,
  run: (key: string) => Promise<StepEnd>,
  skip: (key: string, because: string, fail_fast: boolean) => void,
  fail_fast = false,
): Promise<void> {
  const ends = new Map<string, StepEnd>();
  const waiting = graph.nodes.filter((node) => selected.has(node.key)).map((node) => node.key);
  const running = new Map<string, Promise<void>>();
  let first_failed: string | undefined;
  const parents = (key: string): readonly string[] => {
    const node = graph.byKey.get(key);
    return node === undefined ? [] : parentsOf(node).filter((parent) => selected.has(parent));
  };
  const start = (key: string): void => {
    const task = run(key).then((end) => {
      ends.set(key, end);
      if (end === 'failed') first_failed ??= key;
      running.delete(key);
    });
    running.set(key, task);
  };
  while (waiting.length > 0 || running.size > 0) {
    let moved = false;
    for (const key of [...waiting]) {
      const mine = parents(key);
      const parent = mine.find((one) => ends.get(one) !== undefined && ends.get(one) !== 'ok');
      const culprit = parent ?? (fail_fast ? first_failed : undefined);
      if (culprit !== undefined) {
        ends.set(key, 'skipped');
        skip(key, culprit, parent === undefined);
      } else if (running.size < parallel && mine.every((parent) => ends.get(parent) === 'ok')) start(key);
      else continue;
      waiting.splice(waiting.indexOf(key), 1);
      moved = true;
    }
    if (running.size > 0) await Promise.race(running.values());
    else if (!moved && waiting.length > 0) throw new Error(`no step can start: ${waiting.join(', ')}`);
  }
}
