import { readFileSync } from 'node:fs';
import Client, { type ConnectOptions } from 'ssh2-sftp-client';
import { expect, it } from 'vitest';
import { describeService, uniqueName } from './service.ts';

async function roundTrip(options: ConnectOptions, folder: string): Promise<string> {
  const client = new Client();
  await client.connect(options);
  try {
    const path = `${folder}/${uniqueName('orders')}.csv`;
    await client.put(Buffer.from('a;b\n1;é\n'), path);
    expect((await client.stat(path)).size).toBe(9);
    return String(await client.get(path));
  } finally {
    await client.end();
  }
}

describeService('sftp', ({ url, settings }) => {
  it('takes a key, and shows the host key that it announced', async () => {
    const { hostname, port, username, pathname } = new URL(url);
    let shown = '';
    const options = {
      host: hostname,
      port: Number(port),
      username,
      privateKey: readFileSync(settings['DATAFLOW_TEST_SFTP_KEY'] ?? ''),
      hostVerifier: (key: Buffer) => {
        shown = key.toString('base64');
        return true;
      },
    };
    expect(await roundTrip(options, pathname)).toBe('a;b\n1;é\n');
    expect(shown).toBe(settings['DATAFLOW_TEST_SFTP_HOST_KEY']);
  });
});

describeService('sftp_password', ({ url }) => {
  it('takes the right password and no other', async () => {
    const { hostname, port, username, password } = new URL(url);
    const options = { host: hostname, port: Number(port), username };
    expect(await roundTrip({ ...options, password }, '')).toBe('a;b\n1;é\n');
    await expect(roundTrip({ ...options, password: 'wrong' }, '')).rejects.toThrow(/authentication/i);
  });
});
