/** One kind of failure: its default advice, whether trying again may help, and the exit status of the program. */
export interface CatalogueEntry {
  readonly title: string;
  readonly hint: string;
  readonly retryable: boolean;
  /** 1 failed · 2 usage or configuration · 3 data tests failed · 4 partly done · 5 worth retrying · 6 locked. */
  readonly exit_code: 1 | 2 | 3 | 4 | 5 | 6;
}

export function entry(
  title: string,
  hint: string,
  exit_code: CatalogueEntry['exit_code'],
  retryable = false,
): CatalogueEntry {
  return { title, hint, retryable, exit_code };
}
