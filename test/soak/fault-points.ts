import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Names of all fault points, as the source has them. */
export function faultPointsInSource(): readonly string[] {
  const source = resolve('src');
  const names = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(source, name), 'utf8').matchAll(/\bfaultPoint\('([\w-]+)'\)/g)])
    .map(([, point = '']) => point);
  return [...new Set(names)].sort();
}

/** Kills there, of sources without a server and of real ones. */
const BY_CONTRACT = 'struck by every source that is asked: src/connectors/testing/source-contract.ts';

/** The same of destinations. */
const BY_SINKS = 'struck by every sink: src/connectors/testing/sink-contract.ts';

/** The same of mirrors, at random too: `npm run soak:sync`. */
const BY_MIRRORS = 'needs an object store: test/services/mirror.test.ts';

/** Fault points that no scenario of the kill soak can pass, each with the reason. */
export const OUT_OF_REACH: Readonly<Record<string, string>> = {
  'stream-before-publish': 'needs a broker: test/services/kafka-publish.test.ts',
  'stream-after-publish': 'needs a broker: test/services/kafka-publish.test.ts',
  'landing-before-fsync': BY_CONTRACT,
  'landing-before-manifest': BY_CONTRACT,
  'landing-after-seal': BY_CONTRACT,
  'landing-after-end': BY_CONTRACT,
  'landing-before-remove': BY_CONTRACT,
  'after-landing-removed': BY_CONTRACT,
  'after-pull': BY_CONTRACT,
  'before-document-kept': 'needs scanned documents: test/documents.test.ts',
  'after-document-kept': 'needs scanned documents: test/documents.test.ts',
  'during-fetch': 'needs files in another place: test/services/files-places.test.ts',
  'after-fetch': 'needs files in another place: test/services/files-places.test.ts',
  'during-far-upload': 'needs HDFS: test/services/hdfs-sync.test.ts',
  'after-far-upload': 'needs HDFS: test/services/hdfs-sync.test.ts',
  'before-far-rename': 'needs HDFS: test/services/hdfs-sync.test.ts',
  'after-far-rename': 'needs HDFS: test/services/hdfs-sync.test.ts',
  'far-before-put': BY_MIRRORS,
  'far-after-upload': BY_MIRRORS,
  'far-before-part': BY_MIRRORS,
  'far-before-complete': BY_MIRRORS,
  'far-after-complete': BY_MIRRORS,
  'sync-before-put': BY_MIRRORS,
  'sync-after-put': BY_MIRRORS,
  'sync-after-data': BY_MIRRORS,
  'sync-after-early': BY_MIRRORS,
  'sync-after-logs': BY_MIRRORS,
  'sync-before-remove': BY_MIRRORS,
  'sync-after-record': BY_MIRRORS,
  'sync-before-marker': BY_MIRRORS,
  'sync-after-marker': BY_MIRRORS,
  'restore-before-rename': BY_MIRRORS,
  'restore-before-publish': BY_MIRRORS,
  'after-lookup': 'needs a service that is asked: test/enrich.test.ts',
  'raw-before-rename': 'needs responses that are kept: test/compact-landing.test.ts',
  'before-collect-landing': 'needs a source that is asked: test/compact-landing.test.ts',
  'load-before-begin': BY_SINKS,
  'load-before-put': BY_SINKS,
  'load-after-put': BY_SINKS,
  'load-before-commit': BY_SINKS,
  'load-after-commit': BY_SINKS,
  'export-staged': 'writes no lake: test/export-data.test.ts',
  'export-file-moved': 'writes no lake: test/export-data.test.ts',
  'mongodb-batch': 'needs MongoDB: test/services/mongodb-load.test.ts',
  'mongodb-created': 'needs MongoDB: test/services/mongodb-load.test.ts',
  'mongodb-before-swap': 'needs MongoDB: test/services/mongodb-load.test.ts',
  'mongodb-after-swap': 'needs MongoDB: test/services/mongodb-load.test.ts',
};
