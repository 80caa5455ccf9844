import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { type BuiltProgram, builtProgram } from './built-program.ts';
import { describeService } from './service.ts';

/** Who a server is and who we are: nothing is read from a server that is not known. */
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function projectOf(connection: string, env: Readonly<Record<string, string>>, known_hosts = ''): BuiltProgram {
  const folder = mkdtempSync(join(tmpdir(), 'dataflow-sftp-place-'));
  folders.push(folder);
  writeFileSync(join(folder, 'known'), known_hosts);
  writeFileSync(
    join(folder, 'pipelines.yaml'),
    `version: 1
connections:
  depot: { type: sftp, ${connection} }
sources:
  a: { type: files, connection: depot, path: "nowhere/*.csv" }
`,
  );
  return builtProgram(folder, env);
}

describe('sftp: host keys', () => {
  describeService('sftp', ({ url, settings }) => {
    const { hostname, port, username } = new URL(url);
    const where = `host: ${hostname}, port: ${port}, user: ${username}, private_key: "\${PLACE_KEY}"`;
    const env = () => ({ PLACE_KEY: readFileSync(settings['DATAFLOW_TEST_SFTP_KEY'] ?? '', 'utf8') });
    const key = settings['DATAFLOW_TEST_SFTP_HOST_KEY'] ?? '';
    const other = 'AAAAC3NzaC1lZDI1NTE5AAAAIE30Eg2kXhigkErTL4sGiZXIl/b9HzXGgBxVGOaAU7ja';

    it.each([
      ['the key itself', `host_key: "${key}"`, '', true],
      ['a file of known hosts', 'known_hosts: known', `[${hostname}]:${port} ssh-ed25519 ${key}\n`, true],
      ['a file with another key', 'known_hosts: known', `[${hostname}]:${port} ssh-ed25519 ${other}\n`, false],
      ['a file without the host', 'known_hosts: known', `[elsewhere.org]:${port} ssh-ed25519 ${key}\n`, false],
      ['another key', `host_key: "${other}"`, '', false],
      ['another fingerprint', 'host_key: "SHA256:sv2AAqw9mnlRrjUk+4PHhTnGQRJz8VNjeUub1k/58d8"', '', false],
    ])('known by %s', async (_name, how, known, right) => {
      const ended = await projectOf(`${where}, ${how}`, env(), known).run('run');
      if (right) expect(ended.stderr + ended.stdout).not.toContain('error');
      else expect(ended.stderr).toMatch(/error\[E_SOURCE_DENIED\].*shows the key SHA256:/);
      expect(ended.code === 0).toBe(right);
    });
  });

  describeService('sftp_password', ({ url }) => {
    const { hostname, port, username, password } = new URL(url);

    it('says that a password is wrong, without saying the password', async () => {
      const key = await shownKey(hostname, port);
      const config = `host: ${hostname}, port: ${port}, user: ${username}, password: "\${PW}", host_key: "${key}"`;
      const right = await projectOf(config, { PW: password }).run('run');
      expect(right.code, right.stderr).toBe(0);
      const wrong = await projectOf(config, { PW: 'not-that-one' }).run('run');
      expect(wrong.stderr).toContain('error[E_SOURCE_DENIED]');
      expect(wrong.stderr + wrong.stdout).not.toContain('not-that-one');
      const doctor = await projectOf(config, { PW: 'not-that-one' }).run('doctor');
      expect(doctor.stdout).toMatch(/FAIL +source a/);
    });
  });
});

/** What the program itself says that the server shows. */
async function shownKey(host: string, port: string): Promise<string> {
  const stranger = 'SHA256:sv2AAqw9mnlRrjUk+4PHhTnGQRJz8VNjeUub1k/58d8';
  const config = `host: ${host}, port: ${port}, user: x, password: x, host_key: "${stranger}"`;
  const { stderr } = await projectOf(config, {}).run('run');
  return /shows the key (SHA256:\S+?),/.exec(stderr)?.[1] ?? '';
}
