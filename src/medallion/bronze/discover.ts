import { FILE_LIMITS } from '../../core/model/project.ts';
import type { Discovery, KnownInput, Source, SourceContext } from '../../core/ports/source.ts';
import { type GoneUnits, goneUnits } from './gone.ts';
import type { BronzeStep } from './step.ts';
import { knownUnits } from './undone.ts';

/** What a bronze step would take, found without opening any file: the stat walk. Units to `forget` are looked at as if they were new. */
export async function discoverSource(
  step: Pick<BronzeStep, 'run' | 'node'>,
  forget: ReadonlySet<string> = new Set(),
): Promise<{
  source: Source;
  context: SourceContext;
  known: ReadonlyMap<string, KnownInput>;
  discovery: Discovery;
  gone: GoneUnits;
}> {
  const { run, node } = step;
  const source = await run.createSource(node.spec);
  const context: SourceContext = {
    root: run.project.root,
    temp_folder: run.temp_folder,
    now_ms: run.now_ms,
    rehash: run.rehash,
    ...(node.spec.limits ?? FILE_LIMITS),
    ...run.sourcePlaces?.(node.name),
    // Planning has no folder for copies: it looks, and opens nothing.
    look_only: run.temp_folder === '',
    signal: run.signal,
  };
  const known = knownUnits(run, node.name, forget);
  const discovery = await source.discover(known, context);
  return { source, context, known, discovery, gone: goneUnits(run, node, discovery, known) };
}
