// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the configuration look like that
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { testComponents } from '../../../test/support/components.ts';
import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import { loadProject } from './load-project.ts';
import type { LoadedProject } from './loaded-project.ts';

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dataflow-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

function load(env: Record<string, string | undefined> = {}, cwd = root, config?: string): Promise<LoadedProject> {
  return loadProject({ cwd, env, components: testComponents, ...(config === undefined ? {} : { config }) });
}

async function problems(env: Record<string, string | undefined> = {}, config?: string): Promise<string[]> {
  try {
    await load(env, root, config);
    return [];
  } catch (error) {
    if (!(error instanceof DataflowErrors)) throw error;
    return error.errors.map((e) =>
      `${e.place?.file}:${e.place?.line}:${e.place?.column} ${e.code} ${e.message}`.replaceAll(`${root}/`, ''),
    );
  }
}

describe('where the configuration is found', () => {
  it.each(['pipelines.yaml', 'pipelines.yml', '.config/pipelines.yaml'])('%s, from a folder below it', async (name) => {
    put({ [name]: 'name: here\n', 'a/b/c.txt': '', '.git/HEAD': '' });
    const { project } = await load({}, join(root, 'a', 'b'));
    expect(project).toMatchObject({ name: 'here', root, config_file: join(root, name) });
  });

  it('the nearest one wins, and the first name in a folder', async () => {
    put({
      'pipelines.yaml': 'name: outer\n',
      'a/pipelines.yml': 'name: second\n',
      'a/pipelines.yaml': 'name: first\n',
      'a/b/x': '',
    });
    expect((await load({}, join(root, 'a', 'b'))).project.name).toBe('first');
  });

  it('not above the root of the repository', async () => {
    put({ 'pipelines.yaml': 'name: outer\n', 'repo/.git/HEAD': '', 'repo/a/x': '' });
    await expect(load({}, join(root, 'repo', 'a'))).rejects.toMatchObject({ errors: [{ code: 'E_CONFIG_NOT_FOUND' }] });
  });

  it('--config names a file or a folder, relative to the working folder', async () => {
    put({ 'x/other.yaml': 'name: other\n', 'y/pipelines.yml': 'name: inside\n' });
    expect((await load({}, root, 'x/other.yaml')).project).toMatchObject({ name: 'other', root: join(root, 'x') });
    expect((await load({}, root, 'y')).project.name).toBe('inside');
    expect(await problems({}, 'nowhere.yaml')).toEqual([
      'undefined:undefined:undefined E_CONFIG_NOT_FOUND there is no configuration at nowhere.yaml',
    ]);
  });

  it('fault 49: code lying in the folder is never run', async () => {
    const trap = `require('node:fs').writeFileSync(${JSON.stringify(join(root, 'trapped'))}, '')`;
    put({
      'sub/.config/config.js': trap,
      'sub/.config/config.cjs': trap,
      'sub/pipelines.js': trap,
      '.git/HEAD': '',
      'pipelines.yaml': 'name: x\n',
    });
    const before = process.cwd();
    process.chdir(join(root, 'sub'));
    try {
      expect((await load({}, join(root, 'sub'))).project.name).toBe('x');
    } finally {
      process.chdir(before);
    }
    expect(() => realpathSync(join(root, 'trapped'))).toThrow('ENOENT');
  });

  it('a pipe in the place of the file does not hang', async () => {
    execFileSync('mkfifo', [join(root, 'pipelines.yaml')]);
    put({ '.git/HEAD': '' });
    const found = await problems({}, 'pipelines.yaml');
    expect(found[0]).toContain('E_CONFIG_NOT_FOUND');
  });
});

describe('include', () => {
  it('unites files by glob and by name', async () => {
    put({
      'pipelines.yaml': 'name: all\ninclude: [pipelines/*.yaml, more.yaml]\nsources: { a: { type: files, path: a } }\n',
      'pipelines/b.yaml': 'version: 1\nsources: { b: { type: files, path: b } }\n',
      'pipelines/c.yaml': 'gold: { c: models/c.sql }\n',
      'pipelines/models/c.sql': 'select 1',
      'more.yaml': 'silver: { a: { from: [a, b] } }\n',
    });
    const { project, files } = await load();
    expect(Object.keys(project.sources)).toEqual(['a', 'b']);
    expect(project.gold['c']).toMatchObject({ sql: 'select 1', sql_file: join(root, 'pipelines/models/c.sql') });
    expect(files.map((file) => file.slice(root.length + 1))).toEqual([
      'pipelines.yaml',
      'pipelines/b.yaml',
      'pipelines/c.yaml',
      'more.yaml',
      'pipelines/models/c.sql',
    ]);
  });

  it('a name defined twice is a problem with both places', async () => {
    put({
      'pipelines.yaml': 'include: [b.yaml]\ngold:\n  x: select 1\n',
      'b.yaml': 'name: b\ngold:\n\n    x: select 2\n',
    });
    expect(await problems()).toEqual([
      `b.yaml:4:5 E_CONFIG_INVALID gold.x is defined twice: here and at pipelines.yaml:3:3`,
    ]);
  });

  it('a section that belongs to the project is defined once', async () => {
    put({
      'pipelines.yaml': 'include: [b.yaml]\nlake: { url: a }\n',
      'b.yaml': 'lake: { url: b }\ninclude: [c.yaml]\n',
    });
    expect(await problems()).toEqual([
      'b.yaml:1:1 E_CONFIG_INVALID lake is defined twice: here and at pipelines.yaml:2:1',
      'b.yaml:2:1 E_CONFIG_INVALID include: only the main file may include others',
    ]);
  });

  it('a missing file is a problem at its entry; a glob without a match is a warning', async () => {
    put({ 'pipelines.yaml': 'include:\n  - none/*.yaml\n  - b.yaml\n' });
    expect(await problems()).toEqual(['pipelines.yaml:3:5 E_CONFIG_NOT_FOUND include[1]: there is no file b.yaml']);
    put({ 'b.yaml': 'name: b' });
    expect((await load()).warnings).toEqual(['include: none/*.yaml matches no file']);
  });

  it('problems of an included file have their place there', async () => {
    put({ 'pipelines.yaml': 'include: [b.yaml]\n', 'b.yaml': 'silver:\n  t: { from: s, kee: 1 }\n' });
    expect(await problems()).toEqual(['b.yaml:2:17 E_CONFIG_INVALID silver.t.kee: unknown key']);
  });
});

describe('fault 50: environment and secrets', () => {
  it('replaces ${NAME} and ${NAME:-default} in values, never in keys, and what it put in is not read again', async () => {
    put({
      'pipelines.yaml':
        'name: "${A}-${B:-b}-${EMPTY:-e}-$${A}-$A"\nsources:\n  s: { type: files, path: "${NESTED}", settle_seconds: "${N}", columns: { "${A}": varchar } }\nengine: { threads: "${T:-2}" }\n',
    });
    const { project } = await load({ A: 'a', NESTED: '${A}', N: '1.5', EMPTY: '' });
    expect(project.name).toBe('a-b-e-${A}-$A');
    expect(project.sources['s']?.options).toEqual({ path: '${A}', settle_seconds: 1.5 });
    expect(project.sources['s']?.columns).toEqual({ '${A}': 'varchar' });
    expect(project.engine.threads).toBe(2);
  });

  it('does not make a number of text that only looks like one', async () => {
    put({ 'pipelines.yaml': 'name: ${N}\n' });
    expect((await load({ N: '007' })).project.name).toBe('007');
  });

  it('an unset variable is a problem at its place, never an empty text', async () => {
    put({
      'pipelines.yaml':
        'name: x\nsources:\n  s: { type: files, path: "in/${NO_SUCH}/*", settle_seconds: "${AND_THIS}" }\n',
    });
    expect(await problems()).toEqual([
      'pipelines.yaml:3:27 E_SECRET_UNSET sources.s.path: the environment variable NO_SUCH is not set',
      'pipelines.yaml:3:62 E_SECRET_UNSET sources.s.settle_seconds: the environment variable AND_THIS is not set',
    ]);
  });

  it.each(['${', '${}', '${1A}', '${A-b}'])('%s is not a variable', async (text) => {
    put({ 'pipelines.yaml': `name: "${text}"\n` });
    expect((await problems({ A: 'x' }))[0]).toContain('pipelines.yaml:1:7 E_CONFIG_INVALID name:');
  });

  it('reads a secret from a file, only where the schema says that it is one', async () => {
    put({
      'pipelines.yaml': `sources:\n  s: { type: files, path: file:x, password: "file:${root}/secret" }\n  t: { type: files, path: x, password: "file:secret" }\n`,
      secret: 'tops3cret\n',
    });
    const { project, secrets } = await load();
    expect(project.sources['s']?.options).toMatchObject({ path: 'file:x', password: 'tops3cret' });
    expect(project.sources['t']?.options['password']).toBe('tops3cret');
    expect(secrets).toEqual(['tops3cret']);
  });

  it('a secret file that is missing or empty is a problem at its place', async () => {
    put({
      'pipelines.yaml':
        'sources:\n  s: { type: files, path: x, password: "file:none" }\n  t: { type: files, path: x, password: "file:empty" }\n',
      empty: '\n',
    });
    expect(await problems()).toEqual([
      'pipelines.yaml:2:40 E_SECRET_UNSET sources.s.password: there is no file none',
      'pipelines.yaml:3:40 E_SECRET_UNSET sources.t.password: the secret file empty is empty',
    ]);
  });

  it('names the values to mask: secret fields, passwords in URLs, variables called so', async () => {
    put({
      'pipelines.yaml':
        'name: "${API_TOKEN}"\ndescription: x\nsources: { s: { type: files, path: "sftp://bob:${PW}@host/x", password: "${P}" } }\n'.replace(
          'description: x\n',
          '',
        ),
    });
    const { secrets } = await load({ API_TOKEN: 'tok-123', PW: 'url-pass', P: 'field-secret' });
    expect([...secrets].sort()).toEqual(['field-secret', 'tok-123', 'url-pass']);
  });

  it('no secret appears in a problem', async () => {
    put({
      'pipelines.yaml':
        'lake: { url: "ftp://bob:${PW}@host/x" }\nengine: { type: "${MY_SECRET}" }\nsources: { s: { type: files, path: x, on_rewrite: "${API_KEY}" } }\n',
    });
    const found = await problems({ PW: 'url-pass', MY_SECRET: 'hidden-1', API_KEY: 'hidden-2' });
    expect(found).toHaveLength(3);
    expect(found.join('\n')).not.toMatch(/url-pass|hidden-/);
    expect(found[1]).toContain('"***" is not known');
  });
});

describe('fault 50: hostile YAML', { timeout: 30_000 }, () => {
  const bomb = [
    'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${Array(10).fill(`*a${i}`).join(', ')}]`),
  ].join('\n');

  it.each([
    ['50,000 open brackets', '['.repeat(50_000), 'nested more than 40 levels deep'],
    ['50,000 open braces', '{a: '.repeat(50_000), 'nested more than 40 levels deep'],
    ['50,000 compact list items', '- '.repeat(50_000), 'nested more than 40 levels deep'],
    ['50,000 compact keys', '? '.repeat(50_000), 'nested more than 40 levels deep'],
    ['900 open brackets, closed', `a: ${'['.repeat(900)}${']'.repeat(900)}`, 'nested more than 40 levels deep'],
    [
      '1,200 indented keys',
      Array.from({ length: 1_200 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      'nested more than 40 levels deep',
    ],
    ['a billion laughs', bomb, 'more than'],
    ['10,000 aliases', `a: &a x\nb: [${Array(10_000).fill('*a').join(', ')}]`, 'more than 1000 aliases'],
    ['an alias that contains itself', 'a: &a [*a]', '*a contains itself'],
    ['2 MB', `# ${'x'.repeat(2_000_000)}`, 'at most 1000000 are read'],
    ['150,000 values', `gold: [${Array(150_000).fill('1').join(',')}]`, 'more than 100000 values'],
    ['a prototype key', 'gold: { __proto__: { polluted: true } }', '__proto__ is not allowed as a key'],
    [
      'a prototype key in quotes, deep down',
      'silver: { t: { from: s, select: { "__proto__": "1" } } }',
      '__proto__ is not allowed as a key',
    ],
    ['NUL in a key', 'gold: { "a\\0b": select 1 }', 'a key cannot contain NUL'],
    ['a raw NUL', 'name: a\0b', 'a text cannot contain NUL'],
    ['not a number', 'engine: { threads: .nan }', '.nan is not a number'],
    ['infinity', 'engine: { threads: .inf }', '.inf is not a number'],
    ['two documents', 'name: a\n---\nname: b\n', 'E_CONFIG_SYNTAX'],
  ])('%s', async (_title, text, message) => {
    put({ 'pipelines.yaml': text });
    const started = performance.now();
    expect((await problems()).join('\n')).toContain(message);
    expect(performance.now() - started).toBeLessThan(20_000);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('limits count over all files together', async () => {
    const half = `gold: [${Array(60_000).fill('1').join(',')}]`;
    put({ 'pipelines.yaml': `include: [b.yaml]\n${half}`, 'b.yaml': half });
    expect((await problems()).join('\n')).toContain('more than 100000 values');
  });

  it('patterns full of brackets are no nesting', async () => {
    const rules = Array.from({ length: 200 }, () => `      - { matches: { column: a, pattern: '^\\[\\{' } }`).join(
      '\n',
    );
    put({
      'pipelines.yaml': `sources: { s: { type: files, path: x } }\nsilver:\n  t:\n    from: s\n    rules:\n${rules}\n`,
    });
    expect((await load()).project.silver['t']?.rules).toHaveLength(200);
  });

  it('a file that is not UTF-8 is refused', async () => {
    put({ 'pipelines.yaml': new Uint8Array([0x6e, 0x61, 0x6d, 0x65, 0x3a, 0x20, 0xe9, 0x0a]) });
    expect((await problems())[0]).toContain('E_CONFIG_SYNTAX');
  });

  it('a byte order mark and Windows line ends do no harm', async () => {
    put({ 'pipelines.yaml': '\ufeffname: x\r\ngold:\r\n  a: 3\r\n' });
    expect(await problems()).toEqual(['pipelines.yaml:3:6 E_CONFIG_INVALID gold.a: expected text or a map, found 3']);
  });

  it('a link to a device is not read', async () => {
    symlinkSync('/dev/zero', join(root, 'pipelines.yaml'));
    put({ '.git/HEAD': '' });
    expect((await problems())[0]).toContain('E_CONFIG_NOT_FOUND');
  });
});

describe('whatever the file says, the loader answers with DataflowErrors or a project', { timeout: 60_000 }, () => {
  const words = [
    'version',
    'name',
    'include',
    'lake',
    'engine',
    'sources',
    'silver',
    'gold',
    'url',
    'type',
    'files',
    'path',
    'columns',
    'from',
    'rules',
    'tests',
    'key',
    'dedupe',
    'between',
    'not_null',
    'references',
    'column',
    'table',
    'silver.a',
    'a',
    'sql',
    'expr',
    '${X}',
    'file:x',
    'select 1',
  ];
  const word = fc.oneof(fc.constantFrom(...words), fc.string({ maxLength: 8 }));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.constant(null),
      fc.boolean(),
      fc.double(),
      fc.integer(),
      word,
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(word, tie('tree'), { maxKeys: 5 }),
    ),
  }));
  const section = fc.constantFrom('lake', 'engine', 'sources', 'silver', 'gold', 'include', 'name', 'version');
  const table = fc.dictionary(
    fc.constantFrom(
      'from',
      'key',
      'select',
      'rules',
      'tests',
      'dedupe',
      'type',
      'path',
      'columns',
      'sql',
      'refresh',
      'tags',
    ),
    fc.oneof(
      tree,
      fc.array(
        fc.dictionary(fc.constantFrom('between', 'not_null', 'references', 'expr', 'sql', 'name', 'severity'), tree, {
          maxKeys: 2,
        }),
        { maxLength: 3 },
      ),
    ),
    { maxKeys: 4 },
  );
  const nearly = fc.dictionary(
    section,
    fc.oneof(tree, fc.dictionary(fc.constantFrom('a', 'b'), table, { maxKeys: 2 })),
    { maxKeys: 4 },
  );

  async function survives(text: string): Promise<void> {
    put({ 'pipelines.yaml': text });
    try {
      const { project } = await load();
      expect(project.root).toBe(root);
    } catch (error) {
      if (!(error instanceof DataflowErrors)) throw error;
      expect(error.errors.length).toBeGreaterThan(0);
      for (const one of error.errors) expect(one.exit_code === 2 || one.code === 'E_CONFIG_NOT_FOUND').toBe(true);
    }
  }

  it('any value', () =>
    fc.assert(
      fc.asyncProperty(fc.oneof(tree, nearly), (value) => survives(stringify(value))),
      { numRuns: 300 },
    ));
  it('any text', () =>
    fc.assert(
      fc.asyncProperty(
        fc.string({
          unit: fc.constantFrom(
            'a',
            ':',
            ' ',
            '\n',
            '-',
            '[',
            ']',
            '{',
            '}',
            '"',
            "'",
            '&',
            '*',
            '!',
            '|',
            '>',
            '#',
            '%',
            '\t',
            '?',
            ',',
            '$',
            '\0',
            'é',
          ),
          maxLength: 40,
        }),
        survives,
      ),
      { numRuns: 300 },
    ));
});
