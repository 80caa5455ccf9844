import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { component } from '../../src/connectors/hdfs/storage.ts';
import { resumableName } from '../../src/connectors/hdfs/upload.ts';
import { storageContract } from '../../src/connectors/testing/storage-contract.ts';
import type { FarStorage } from '../../src/core/ports/far-storage.ts';
import { hdfsKeeper } from './place-keepers.ts';
import { describeService, uniqueName } from './service.ts';

const DEFAULTS = { connect_timeout_s: 5, request_timeout_s: 30, ready_timeout_s: 0, user: 'hdfs' };
const MIB = 1024 * 1024;

describeService('hdfs', ({ url }) => {
  const open = (path: string, more: Readonly<Record<string, unknown>>): Promise<FarStorage> | FarStorage =>
    component.open({
      connection: { name: 'cluster', type: 'hdfs', options: { url, ...DEFAULTS, block_size_bytes: MIB, ...more } },
      path,
      root: '/',
      note: () => undefined,
    });

  it('takes up what an earlier call brought, all of it or a part, and refuses a file that has grown', async () => {
    const name = uniqueName('resumed');
    const keeper = await hdfsKeeper(url, name);
    const far = await open('', { path: `/${name}` });
    const file = join(mkdtempSync(join(tmpdir(), 'dataflow-hdfs-')), 'large');
    const bytes = randomBytes(9 * MIB + 1000);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    const signal = new AbortController().signal;
    writeFileSync(file, bytes);
    const put = (path: string, size_bytes: number) =>
      far.put({ path, content: { file, size_bytes }, sha256, over: 'nothing', signal });
    try {
      for (const there of [bytes.length, 2 * MIB + 7]) {
        await keeper.put(resumableName(`/${name}/a${there}`, sha256), bytes.subarray(0, there));
        expect(await put(`a${there}`, bytes.length)).toMatchObject({ done: true, resumed_bytes: there });
      }
      await expect(put('grown', bytes.length - 5)).rejects.toMatchObject({ code: 'E_FAR_SOURCE_DAMAGED' });
    } finally {
      await far.close();
      await keeper.clear();
      rmSync(dirname(file), { recursive: true });
    }
  }, 60_000);

  storageContract('HDFS', async () => {
    const base = uniqueName('far');
    const shut = uniqueName('shut');
    const keepers = [await hdfsKeeper(url, base), await hdfsKeeper(url, shut)];
    await ask('PUT', `${url}/webhdfs/v1/${shut}?op=SETPERMISSION&permission=700&user.name=hdfs`);
    return {
      open: (folder) => open(folder, { path: `/${base}` }),
      // Ten blocks, the last one not full.
      large_bytes: 9 * MIB + 1000,
      can_be_named: (path) => !path.includes(':'),
      denied: () => open('', { path: `/${shut}`, user: 'stranger' }),
      unreachable: () => open('', { url: 'http://127.0.0.1:1', password: 'geheim', user: 'me' }),
      secrets: ['geheim'],
      halfWritten: (folder) =>
        keepers[0]?.put(`${folder}/deep/.dataflow-0123456789abcdef01234567.part`, 'half') ?? Promise.resolve(),
      close: async () => {
        for (const keeper of keepers) await keeper.clear();
      },
    };
  });
});

function ask(method: string, url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { method }, (response) => response.resume().on('end', () => resolve()));
    asked.on('error', reject);
    asked.end();
  });
}
