/** `0.42 s`, `13.1 s`. */
export function secondsText(wall_ms: number): string {
  return `${(wall_ms / 1000).toFixed(wall_ms < 10_000 ? 2 : 1)} s`;
}

/** `1 file`, `3 files`. */
export function countText(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
