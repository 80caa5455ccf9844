import { runCommand } from './command.ts';

let user: Promise<string> | undefined;

/** A system user without rights, for servers that refuse to run as root (or want to be root, to do more than we need). */
export function unprivilegedUser(): Promise<string> {
  user ??= runCommand('id', ['-u', 'postgres']).then(
    () => 'postgres',
    () => 'nobody',
  );
  return user;
}

/** Gives files and folders to that user, if we are root. */
export async function giveAway(...paths: readonly string[]): Promise<void> {
  if (process.getuid?.() === 0) await runCommand('chown', ['-R', await unprivilegedUser(), ...paths]);
}
