/** One thing that the doctor looked at. */
export interface DoctorFinding {
  /** What was looked at: `node`, `configuration`, `disk`, `source achats`, … */
  readonly check: string;
  /** `fail`: a run will not work, or would not be safe. `warn`: it works, but something deserves a look. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly message: string;
  /** What to do; null when all is well. */
  readonly remedy: string | null;
}

export function ok(check: string, message: string): DoctorFinding {
  return { check, status: 'ok', message, remedy: null };
}

export function warn(check: string, message: string, remedy: string): DoctorFinding {
  return { check, status: 'warn', message, remedy };
}

export function fail(check: string, message: string, remedy: string): DoctorFinding {
  return { check, status: 'fail', message, remedy };
}

/** An error that a probe met, as a finding. */
export function failure(check: string, error: unknown): DoctorFinding {
  const { message, hint, code } = (error ?? {}) as { message?: string; hint?: string; code?: string };
  const text = (message ?? String(error)).split('\n')[0] ?? '';
  return fail(check, code?.startsWith('E_') === true ? `${text} (${code})` : text, hint ?? 'See the message.');
}
