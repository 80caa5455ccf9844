/** Markup of terminal text; with colours off every member returns its argument. */
export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  red(text: string): string;
  green(text: string): string;
  yellow(text: string): string;
  cyan(text: string): string;
}

const same = (text: string): string => text;
export const plainStyle: Style = { bold: same, dim: same, red: same, green: same, yellow: same, cyan: same };

export interface ColorQuestion {
  /** `--no-color` was given. */
  readonly no_color: boolean;
  readonly is_tty: boolean;
  readonly env: NodeJS.ProcessEnv;
}

/** Whether to colour: the flag, then NO_COLOR (any value but empty), then FORCE_COLOR, then whether it is a terminal that can. */
export function wantsColor(question: ColorQuestion): boolean {
  const { env } = question;
  if (question.no_color || (env['NO_COLOR'] ?? '') !== '') return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  return question.is_tty && env['TERM'] !== 'dumb';
}

/** Loads the colour library only when there will be colour. */
export async function loadStyle(color: boolean): Promise<Style> {
  if (!color) return plainStyle;
  const { Chalk } = await import('chalk');
  return new Chalk({ level: 1 });
}

/** Whether the terminal's locale shows more than ASCII. */
export function isAscii(env: NodeJS.ProcessEnv): boolean {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return env['TERM'] === 'dumb' || /^(C|POSIX)$/.test(locale);
}
