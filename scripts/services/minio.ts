import { join } from 'node:path';
import { cached } from './cache.ts';
import { goProgram } from './registries.ts';
import type { Server } from './server.ts';

// Releases have no module versions of their own.
const VERSION = 'v0.0.0-20260212201848-7aac2a2c5b7c';
const USER = 'dataflow';
const PASSWORD = 'only-for-tests';

/** One node over one folder. */
export const minio: Server = {
  name: 'minio',
  title: 'MinIO of 2026-02-12, one node',
  variables: ['DATAFLOW_TEST_MINIO'],

  install: () => cached(`minio-${VERSION}`, (folder) => goProgram(folder, 'github.com/minio/minio', VERSION)),

  async start(room) {
    const address = `127.0.0.1:${await room.port('server')}`;
    const console_address = `127.0.0.1:${await room.port('console')}`;
    const args = ['server', join(room.folder, 'data'), '--address', address, '--console-address', console_address];
    const login = { MINIO_ROOT_USER: USER, MINIO_ROOT_PASSWORD: PASSWORD };
    // A host below the domain names a bucket: virtual-host style.
    const env = { ...login, MINIO_DOMAIN: 'minio.test', MINIO_BROWSER: 'off', HOME: room.folder };
    room.launch({ name: 'minio', command: join(room.installed, 'minio'), args, env });
    await room.ready(async () => (await fetch(`http://${address}/minio/health/ready`)).ok);
    return { DATAFLOW_TEST_MINIO: `http://${USER}:${PASSWORD}@${address}` };
  },
};
