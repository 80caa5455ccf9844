import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type BenchSettings, type Figure, ratioFigure } from './figure.ts';
import { median, timed } from './measure.ts';

const BINARY = resolve('bin/dataflow.js');

/** `--help`, `--version` and `status` beside `node -e 0`. */
export async function startUp(settings: BenchSettings): Promise<readonly Figure[]> {
  const cwd = settings.folder;
  mkdirSync(join(cwd, 'data'), { recursive: true });
  writeFileSync(join(cwd, 'data/a.csv'), 'id,x\n1,2\n');
  writeFileSync(
    join(cwd, 'pipelines.yaml'),
    'version: 1\nname: start\nlake: { url: ./lake }\nsources:\n  a: { type: files, path: data/a.csv, settle_seconds: 0 }\nsilver:\n  a: { from: a }\n',
  );
  await timed(process.execPath, [BINARY, 'run'], { cwd });
  const runs = Math.max(settings.runs, 15);
  const times: Record<string, number[]> = { node: [], '--help': [], '--version': [], status: [] };
  for (let i = 0; i < runs; i++) {
    times['node']?.push((await timed(process.execPath, ['-e', '0'], { cwd })).wall_ms);
    for (const verb of ['--help', '--version', 'status'])
      times[verb]?.push((await timed(process.execPath, [BINARY, verb], { cwd })).wall_ms);
  }
  const bare = median(times['node'] ?? []);
  const note = `median of ${runs}, beside \`node -e 0\``;
  return [
    ratioFigure('start: --help', median(times['--help'] ?? []), bare, 1.2, note),
    ratioFigure('start: --version', median(times['--version'] ?? []), bare, 1.2, note),
    ratioFigure('start: status', median(times['status'] ?? []), bare, 2, note),
  ];
}
