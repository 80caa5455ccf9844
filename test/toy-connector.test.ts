import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const CONNECTION = `import * as z from 'zod/mini';
import type { ConnectionComponent } from '../../core/ports/connection.ts';

const schema = z.strictObject({
  greeting: z.string().check(z.meta({ description: 'What it says.' })),
  password: z.string().check(z.meta({ description: 'What nobody may see.', secret: true })),
});

/** A system that exists only in this test. */
export const component: ConnectionComponent<z.output<typeof schema>> = { type: 'toy', summary: 'A toy.', schema };
`;

const SOURCE = `import * as z from 'zod/mini';
import type { PulledSourceComponent } from '../../core/ports/source-component.ts';

const schema = z.strictObject({ rows: z.int().check(z.meta({ description: 'How many.' })) });

/** Rows of a toy. */
export const component: PulledSourceComponent<z.output<typeof schema>> = {
  type: 'toy',
  summary: 'Rows of a toy.',
  schema,
  connection_types: ['toy'],
  open: ({ rows }, { connection }) => ({
    pulls: 'changes',
    look: async ({ position }) =>
      position === undefined ? { pending: 'some', words: 'never asked' } : { pending: 'none', words: 'no more toys' },
    pull: async (landing, { position }) => {
      if (position !== undefined) return { caught_up: true, position };
      const unit = await landing.open('toys', { format: 'ndjson' });
      const { greeting } = connection?.options as { greeting: string };
      for (let n = 0; n < rows; n++) await unit.write(Buffer.from(JSON.stringify({ n, greeting }) + '\\n'));
      await unit.close({ records: rows, position: { done: true } });
      return { caught_up: true, position: { done: true } };
    },
    probe: async () => ({ ok: true, words: 'it is a toy' }),
    close: async () => undefined,
  }),
};
`;

const CONFIG = `connections: { box: { type: toy, greeting: hallo, password: "geheimes-wort" } }
sources: { toys: { type: toy, connection: box, rows: 3 } }
`;

let copy: string;
let project: string;
beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'dataflow-toy-'));
  for (const name of ['src', 'scripts', 'bin', 'docs', 'package.json', 'tsconfig.json'])
    cpSync(resolve(name), join(copy, name), { recursive: true });
  symlinkSync(resolve('node_modules'), join(copy, 'node_modules'));
  mkdirSync(join(copy, 'src/connectors/toy'));
  writeFileSync(join(copy, 'src/connectors/toy/connection.ts'), CONNECTION);
  writeFileSync(join(copy, 'src/connectors/toy/source.ts'), SOURCE);
  project = mkdtempSync(join(tmpdir(), 'dataflow-toys-'));
  writeFileSync(join(project, 'pipelines.yaml'), CONFIG);
});
afterAll(() => {
  for (const folder of [copy, project]) rmSync(folder, { recursive: true, force: true });
});

function node(args: readonly string[], cwd = copy): string {
  const done = spawnSync(process.execPath, args, { cwd, encoding: 'utf8', timeout: 180_000 });
  expect(`${done.stdout}${done.stderr}`).not.toContain('geheimes-wort');
  expect({ status: done.status, said: done.status === 0 ? '' : `${done.stdout}${done.stderr}` }).toEqual({
    status: 0,
    said: '',
  });
  return done.stdout;
}

/** SHA-256 of every file of the copy that a person or the generator writes. */
function hashes(): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const part of ['src', 'scripts', 'docs'])
    for (const entry of readdirSync(join(copy, part), { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const path = join(entry.parentPath, entry.name);
      found.set(relative(copy, path), createHash('sha256').update(readFileSync(path)).digest('hex'));
    }
  return found;
}

describe('a new connector', { timeout: 300_000 }, () => {
  it('is two new files and a generator run: it is configured, checked, run, documented, and nothing old was edited', () => {
    const old = hashes();
    node(['scripts/run.mjs', 'gen']);
    node(['scripts/run.mjs', 'gen-reference']);
    const changed = [...hashes()].filter(([path, hash]) => old.get(path) !== hash).map(([path]) => path);
    expect(changed.sort(), 'what the generator wrote, and no file that a person writes').toEqual([
      'docs/reference/connections.md',
      'docs/reference/pipelines.md',
      'docs/reference/pipelines.schema.json',
      'docs/reference/sources.md',
      'src/registry.ts',
    ]);
    const registry = readFileSync(join(copy, 'src/registry.ts'), 'utf8').split('\n');
    const before = new Set(readFileSync('src/registry.ts', 'utf8').split('\n'));
    const added = registry.filter((line) => !before.has(line));
    expect(added).toEqual([
      "  toy: async () => (await import('./connectors/toy/source.ts')).component,",
      "  toy: async () => (await import('./connectors/toy/connection.ts')).component,",
    ]);
    for (const [page, text] of [
      ['sources.md', 'Rows of a toy.'],
      ['connections.md', 'What nobody may see.'],
    ] as const)
      expect(readFileSync(join(copy, 'docs/reference', page), 'utf8')).toContain(text);
    node(['scripts/build.mjs', '--quick']);
    const binary = join(copy, 'bin/dataflow.js');
    expect(node([binary, 'plan'], project)).toContain('never asked');
    node([binary, 'run'], project);
    const rows = JSON.parse(
      node([binary, 'query', '--format', 'json', 'select n, greeting from bronze.toys order by n'], project),
    );
    expect(rows).toEqual([0, 1, 2].map((n) => ({ n, greeting: 'hallo' })));
    expect(node([binary, 'doctor'], project)).toContain('it is a toy');
    node([binary, 'verify'], project);
  });
});
