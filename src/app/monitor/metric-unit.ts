/** Unit of a metric in the words of OTLP (UCUM), told from its name. */
export function unitOf(name: string): string {
  if (/_seconds(_total)?$/.test(name)) return 's';
  if (/_bytes(_total)?$/.test(name)) return 'By';
  if (/_rows(_\w+)?(_total)?$/.test(name)) return '{row}';
  return '1';
}
