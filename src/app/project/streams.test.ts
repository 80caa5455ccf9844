import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod/mini';
import { testComponents } from '../../../test/support/components.ts';
import type { Components } from '../../core/config/components.ts';
import { DataflowErrors } from '../../core/errors/dataflow-error.ts';
import { loadProject } from './load-project.ts';

const kind = (type: string, publishes?: true) => ({
  type,
  summary: 'A system.',
  schema: z.strictObject({}),
  ...(publishes === undefined ? {} : { publishes }),
});

const components: Components = {
  ...testComponents,
  connections: new Map([
    ['broker', kind('broker', true)],
    ['database', kind('database')],
  ]),
};

let root: string;
beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'dataflow-')));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const project = (stream: string) => {
  writeFileSync(
    join(root, 'pipelines.yaml'),
    `connections: { events: { type: broker }, erp: { type: database } }\nsources: { s: { type: files, path: x } }\nstreams:\n  out: { ${stream} }\n`,
  );
  return loadProject({ cwd: root, env: {}, components });
};

describe('streams', () => {
  it('have a table, a connection and a topic; the rest has defaults', async () => {
    expect((await project('from: bronze.s, connection: events, topic: t, key: id')).project.streams).toEqual({
      out: {
        from: 'bronze.s',
        connection: 'events',
        topic: 't',
        key: ['id'],
        format: 'json',
        deletions: 'tombstone',
        compression: 'lz4',
        batch_rows: 5000,
      },
    });
  });

  it.each([
    ['from: bronze.t, connection: events, topic: t', 'there is no table bronze.t'],
    ['from: s, connection: events, topic: t', 'a table is written bronze.x, silver.x or gold.x'],
    ['from: bronze.s, connection: evnts, topic: t', 'there is no connection evnts'],
    ['from: bronze.s, connection: erp, topic: t', 'erp is a connection of type database, which takes no messages'],
    ['from: bronze.s, connection: events, topic: "a b"', 'a topic is letters, digits, . _ and -'],
  ])('{ %s } is a problem', async (stream, message) => {
    const failed = await project(stream).catch((error: unknown) => error);
    if (!(failed instanceof DataflowErrors)) throw new Error('it was taken');
    expect(failed.errors.map((one) => one.message).join()).toContain(message);
  });
});
