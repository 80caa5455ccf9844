// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the configuration look like that
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { testComponents } from '../../../test/support/components.ts';
import { loadProject } from './load-project.ts';
import type { LoadedProject } from './loaded-project.ts';

let root: string;
let parsed = 0;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dataflow-')));
  parsed = 0;
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

/** Components are asked for only when the configuration is parsed and checked: that is how the test sees it. */
function load(env: Record<string, string | undefined> = {}, build_id = '1'): Promise<LoadedProject> {
  const components = async () => {
    parsed += 1;
    return testComponents;
  };
  return loadProject({ cwd: root, env, components, snapshots: { folder: join(root, 'cache'), build_id } });
}

const FILES = {
  'pipelines.yaml': `include: [more/*.yaml]
name: "\${NAME:-x}"
sources: { s: { type: files, path: "x", columns: { id: bigint } } }
silver: { s: { from: s, rules: [{ between: { column: id, above: 0 } }], key: id } }
gold: { g: models/g.sql }
`,
  'more/a.yaml': 'gold: { h: select 1 }\n',
  'models/g.sql': 'select 2',
};

describe('a project snapshot', () => {
  it('gives the same project without parsing', async () => {
    put(FILES);
    const first = await load();
    const second = await load();
    expect(parsed).toBe(1);
    expect({ ...second, place: undefined }).toEqual({ ...first, place: undefined });
    for (const path of [['gold', 'g'], ['gold', 'h'], ['silver', 's', 'rules', 0], ['name'], ['gold', 'none']])
      expect(second.place(path)).toEqual(first.place(path));
    expect(second.place(['silver', 's', 'rules', 0, 'between', 'above'])).toEqual(
      first.place(['silver', 's', 'rules', 0]),
    );
  });

  it.each([
    ['the file', () => put({ 'pipelines.yaml': FILES['pipelines.yaml'].replace('key: id', 'key: [id]') })],
    ['an included file', () => put({ 'more/a.yaml': 'gold: { h: select 3 }\n' })],
    ['a new included file', () => put({ 'more/b.yaml': 'gold: { i: select 3 }\n' })],
    ['an included file gone', () => rmSync(join(root, 'more/a.yaml'))],
    ['an SQL file', () => put({ 'models/g.sql': 'select 3' })],
  ])('is not used after a change of %s', async (_what, change) => {
    put(FILES);
    await load();
    change();
    const after = await load();
    expect(parsed).toBe(2);
    rmSync(join(root, 'cache'), { recursive: true });
    expect({ ...(await load()), place: undefined }).toEqual({ ...after, place: undefined });
  });

  it('is not used with another environment or build', async () => {
    put(FILES);
    await load();
    expect((await load({ NAME: 'y' })).project.name).toBe('y');
    expect((await load({ NAME: 'y', OTHER: 'z' })).project.name).toBe('y');
    expect(parsed).toBe(2);
    await load({ NAME: 'y' }, '2');
    expect(parsed).toBe(3);
  });

  it('is never made of a project with secrets, and the one before is removed', async () => {
    put(FILES);
    await load();
    expect(readdirSync(join(root, 'cache'))).toHaveLength(1);
    put({ 'pipelines.yaml': 'sources: { s: { type: files, path: x, password: "${P}" } }' });
    await load({ P: 'tops3cret' });
    await load({ P: 'tops3cret' });
    expect(parsed).toBe(3);
    expect(readdirSync(join(root, 'cache'))).toEqual([]);
  });

  it('is readable by its owner only', async () => {
    put(FILES);
    await load();
    const [name = ''] = readdirSync(join(root, 'cache'));
    expect(statSync(join(root, 'cache', name)).mode & 0o777).toBe(0o600);
    expect(statSync(join(root, 'cache')).mode & 0o777).toBe(0o700);
  });

  it.each(['', '{', 'null', '{"build_id":"1"}', '[]'])('damaged (%j) is as good as none', async (text) => {
    put(FILES);
    await load();
    const [name = ''] = readdirSync(join(root, 'cache'));
    writeFileSync(join(root, 'cache', name), text);
    await load();
    expect(parsed).toBe(2);
    expect(readFileSync(join(root, 'cache', name), 'utf8')).toContain('"build_id":"1"');
  });

  it('costs nothing when it cannot be kept', async () => {
    put({ ...FILES, cache: 'a file in the way' });
    await load();
    expect((await load()).project.name).toBe('x');
    expect(parsed).toBe(2);
  });

  it('a broken configuration after a good one is reported', async () => {
    put(FILES);
    await load();
    put({ 'pipelines.yaml': 'sliver: {}\n' });
    await expect(load()).rejects.toMatchObject({ errors: [{ code: 'E_CONFIG_INVALID' }] });
  });
});
