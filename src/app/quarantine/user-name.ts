import { userInfo } from 'node:os';

/** Who decides, for the record: the user of the operating system, or the operator for whom the server started the process. */
export function userName(): string {
  const actor = process.env['DATAFLOW_ACTOR'];
  if (actor !== undefined && /^[A-Za-z][\w-]{0,62}$/.test(actor)) return actor;
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
