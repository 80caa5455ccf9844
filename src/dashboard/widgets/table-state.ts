/** What a press on a column's title makes of the order: rising, falling, as it was. */
export function nextSort(sort: string, column: string): string {
  if (sort === column) return `-${column}`;
  return sort === `-${column}` ? '' : column;
}

/** The first row of the page that holds row `at`. */
export function pageStart(at: number, limit: number): number {
  return Math.max(0, Math.floor(at / limit) * limit);
}
