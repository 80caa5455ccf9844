import { userInfo } from 'node:os';

/** Who decides, for the record: the user of the operating system. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
