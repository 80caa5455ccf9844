/** Making a formatter takes longer than using it a thousand times: each is made once. */
const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();
const ages = new Map<string, Intl.RelativeTimeFormat>();

export function numberFormat(language: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  return kept(numbers, language, options, () => new Intl.NumberFormat(language, options));
}

export function dateFormat(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  return kept(dates, language, options, () => new Intl.DateTimeFormat(language, options));
}

/** How long ago: `3 minutes ago`. */
export function agesFormat(language: string): Intl.RelativeTimeFormat {
  return kept(ages, language, {}, () => new Intl.RelativeTimeFormat(language, { numeric: 'auto' }));
}

function kept<T>(among: Map<string, T>, language: string, options: object, make: () => T): T {
  const key = `${language} ${JSON.stringify(options)}`;
  const known = among.get(key) ?? make();
  among.set(key, known);
  return known;
}
