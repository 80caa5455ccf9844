import { readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { RunningServer } from '../../scripts/services/room.ts';
import type { ServerName } from '../../scripts/services/servers.ts';
import { openSession } from '../support/service-session.ts';
import { blocksOf, isTranscript, rewritten } from '../support/transcript.ts';
import { differences } from '../support/transcript-compare.ts';
import { describeService, ownServer } from './service.ts';

/**
 * Pages with `<!-- transcript: services -->`: their `console` blocks are run in order, one session a page, with new servers that nobody else uses. Pages share
 * Kafka and PostgreSQL, where each has topics and schemas of its own; paths and databases of the others may be the same. A README begins in a copy of its folder, a page of the guide in an empty one. `DATAFLOW_WRITE_PAGES=1 npm run test:services -- transcripts` writes what is printed now.
 */
const WRITE = process.env['DATAFLOW_WRITE_PAGES'] === '1';

const SHARED: ReadonlySet<ServerName> = new Set(['kafka', 'postgresql']);
const shared = new Map<ServerName, Promise<RunningServer>>();
afterAll(async () => {
  for (const starting of shared.values()) await (await starting).stop();
});

function sharedServer(name: ServerName): Promise<RunningServer> {
  const starting = shared.get(name) ?? ownServer(name);
  shared.set(name, starting);
  return starting;
}

function replays(page: string, names: readonly ServerName[]): void {
  const servers: RunningServer[] = [];
  beforeAll(async () => {
    servers.push(
      ...(await Promise.all(names.map((name) => (SHARED.has(name) ? sharedServer(name) : ownServer(name))))),
    );
  }, 180_000);
  afterAll(async () => {
    await Promise.all(servers.filter(({ server }) => !SHARED.has(server.name as ServerName)).map((one) => one.stop()));
  });

  it(`${page} prints what it says`, { timeout: 300_000 }, () => {
    const text = readFileSync(page, 'utf8');
    expect(isTranscript(text, 'services')).toBe(true);
    const settings = Object.assign({}, ...servers.map((server) => server.settings)) as Record<string, string>;
    const session = openSession(page.endsWith('README.md') ? dirname(page) : undefined, settings);
    try {
      if (WRITE) return writeFileSync(page, rewritten(text, session.run));
      const wrong = blocksOf(text)
        .flatMap((block) => block.commands)
        .map((command) => ({ ...command, found: differences(command.output, session.run(command.text)) }))
        .filter(({ found }) => found.length > 0)
        .map(({ line, text: words, found }) => `${page}:${line} $ ${words}\n${found.join('\n')}`);
      expect(wrong.join('\n\n'), 'DATAFLOW_WRITE_PAGES=1 npm run test:services -- transcripts writes them').toBe('');
    } finally {
      session.remove();
    }
  });
}

describeService('kafka', () => {
  replays('docs/guide/kafka.md', ['kafka']);
});
describeService('postgresql', () => {
  replays('docs/guide/load.md', ['postgresql']);
});
describeService('minio', () => {
  replays('docs/guide/mirror.md', ['minio']);
});
describeService('spark', () => {
  replays('docs/guide/moving-to-spark.md', ['spark']);
});
describeService('kafka', () => {
  describeService('postgresql', () => {
    describeService('hdfs', () => {
      replays('fixtures/projects/weather/README.md', ['kafka', 'postgresql', 'hdfs']);
    });
  });
});
describeService('postgresql', () => {
  describeService('mongodb', () => {
    replays('fixtures/projects/crypto/README.md', ['mongodb', 'postgresql']);
  });
});
describeService('postgresql', () => {
  describeService('kafka', () => {
    describeService('hdfs', () => {
      replays('fixtures/projects/factures/README.md', ['kafka', 'postgresql', 'hdfs']);
    });
  });
});
describeService('postgresql', () => {
  describeService('kafka', () => {
    replays('fixtures/projects/transactions/README.md', ['kafka', 'postgresql']);
  });
});
describeService('mongodb', () => {
  describeService('minio', () => {
    replays('fixtures/projects/retail/README.md', ['mongodb', 'minio']);
  });
});
