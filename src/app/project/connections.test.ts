// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the variables of the configuration look like that
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { testComponents } from '../../../test/support/components.ts';
import type { Components } from '../../core/config/components.ts';
import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import type { ConnectionComponent } from '../../core/ports/connection.ts';
import type { SourceComponent } from '../../core/ports/source-component.ts';
import { loadProject } from './load-project.ts';

/** A source that is asked through a connection; it is never opened. */
const asked: SourceComponent = {
  type: 'asked',
  summary: 'A table of a server.',
  connection_types: ['server'],
  schema: z.strictObject({ table: z.string().check(z.meta({ description: 'Which table.' })) }),
  open: () => {
    throw new Error('a stub');
  },
};

const server: ConnectionComponent = {
  type: 'server',
  summary: 'A server.',
  schema: z.strictObject({
    url: z.string().check(z.meta({ description: 'Where it is.' })),
    password: z.optional(z.string().check(z.minLength(4), z.meta({ secret: true }))),
    auth: z.optional(z.strictObject({ token: z.string().check(z.meta({ secret: true })) })),
  }),
};

const components: Components = {
  ...testComponents,
  sources: new Map([...testComponents.sources, [asked.type, asked]]),
  connections: new Map([
    [server.type, server],
    ['other', { ...server, type: 'other' }],
  ]),
};

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dataflow-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
}

const load = (env: Record<string, string> = {}) => loadProject({ cwd: root, env, components });

async function problems(text: string): Promise<readonly string[]> {
  put({ 'pipelines.yaml': text });
  try {
    await load();
    return [];
  } catch (error) {
    if (!(error instanceof DataflowErrors)) throw error;
    return error.errors.map((one) => `${one.place?.line}:${one.place?.column} ${one.message} [${one.hint}]`);
  }
}

describe('connections', () => {
  it('secrets that are written out are named with their place, and stay masked', async () => {
    put({
      'pipelines.yaml': `connections:
  a: { type: server, url: "pg://me:geheim@host/db", password: literally }
  b: { type: server, url: "pg://me:\${PW}@host/db", password: "\${PW}" }
  c: { type: server, url: "pg://host/db", auth: { token: "file:token.txt" } }
`,
      'token.txt': 'jeton-secret\n',
    });
    const { warnings, secrets } = await load({ PW: 'hidden' });
    expect(warnings).toEqual([
      expect.stringMatching(/^pipelines\.yaml:2:27: a secret is written out in connections\.a\.url;/),
      expect.stringMatching(/^pipelines\.yaml:2:\d+: a secret is written out in connections\.a\.password;/),
    ]);
    expect(warnings.join()).not.toMatch(/geheim|literally/);
    expect(secrets).toEqual(expect.arrayContaining(['geheim', 'literally', 'hidden']));
  });

  it('may be spread over files; a source names one; secrets at any depth come from files and are masked', async () => {
    put({
      'pipelines.yaml':
        'include: [more.yaml]\nconnections: { erp: { type: server, url: "http://x", password: "file:pw.txt" } }\nsources: { t: { type: asked, connection: other-one, table: t, batch: { records: 5, bytes: 1MB } } }\n',
      'more.yaml': 'connections: { other-one: { type: server, url: y, auth: { token: "file:token.txt" } } }\n',
      'pw.txt': 'geheim\n',
      'token.txt': 'jeton-secret\n',
    });
    const { project, secrets } = await load();
    expect(project.connections).toEqual({
      erp: { type: 'server', options: { url: 'http://x', password: 'geheim' } },
      'other-one': { type: 'server', options: { url: 'y', auth: { token: 'jeton-secret' } } },
    });
    expect([...secrets].sort()).toEqual(['geheim', 'jeton-secret']);
    expect(project.sources['t']).toMatchObject({
      connection: 'other-one',
      pulled: true,
      batch: { records: 5, bytes: 1_000_000, wait_ms: 1000 },
      options: { table: 't' },
    });
  });

  it('the password in an address that is a secret is masked by itself too; the name of a user without one is a word', async () => {
    put({
      'pipelines.yaml':
        'connections: { a: { type: server, url: "http://reader@x", password: "file:url.txt" } }\nsources: { t: { type: asked, connection: a, table: t } }\n',
      'url.txt': 'postgres://me:geh%C3%A9im@host/db\n',
    });
    const { secrets } = await load();
    expect([...secrets].sort()).toEqual(['gehéim', 'postgres://me:geh%C3%A9im@host/db']);
  });

  it('a name defined in two files is a problem', async () => {
    put({ 'more.yaml': 'connections: { erp: { type: server, url: y } }\n' });
    const found = await problems('include: [more.yaml]\nconnections: { erp: { type: server, url: x } }\n');
    expect(found).toEqual([expect.stringContaining('connections.erp is defined twice')]);
  });

  it.each([
    ['one that is not there', 'connection: epr', 'there is no connection epr [Did you mean erp?]'],
    ['none', '', 'connection is missing (the name of one of type server)'],
    ['one of the wrong type', 'connection: wrong', 'wrong is a connection of type other'],
  ])('a source that names %s is a problem', async (_, line, message) => {
    const text = `connections:\n  erp: { type: server, url: x }\n  wrong: { type: other, url: x }\nsources:\n  t:\n    type: asked\n    table: t\n    ${line}\n`;
    put({ 'pipelines.yaml': text });
    await expect(loadProject({ cwd: root, env: {}, components })).rejects.toSatisfy((error: unknown) =>
      error instanceof DataflowErrors
        ? error.errors.some((one) => `${one.message} [${one.hint}]`.includes(message))
        : false,
    );
  });

  it('a source whose kind takes none has no such key; unknown types and keys are named', async () => {
    expect(
      await problems(
        'connections: { erp: { type: sever, url: x } }\nsources: { f: { type: files, path: x, connection: erp } }\n',
      ),
    ).toEqual([
      expect.stringMatching(
        /^1:29 connections.erp.type: "sever" is not known; one of server, other \[Did you mean server\?\]/,
      ),
      expect.stringMatching(/^2:\d+ sources.f.connection: unknown key/),
    ]);
  });
});
