const PLAIN = /^[\w@%+=:,./^-]+$/;

/** An argument as one types it in a shell: quoted when it has a blank or a sign with a meaning, so that a command can be pasted. */
export function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
