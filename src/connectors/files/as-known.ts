import type { StampPage } from '../../core/ports/source.ts';
import type { StampOf } from './stat-together.ts';

/** True when files, in this order and as they look now, are exactly what is known: nothing more, nothing less, nothing else. */
export function asKnown(
  prefix: string,
  names: readonly string[],
  stampOf: StampOf,
  pages: readonly StampPage[],
): boolean {
  // With as many lines as files and every line as expected, no path can hold a line end or a tab.
  if (pages.reduce((sum, page) => sum + page.lines, 0) !== names.length) return false;
  let index = 0;
  for (const { text } of pages) {
    for (let at = 0; at < text.length; index++) {
      const stamp = stampOf(index);
      const name = names[index];
      if (stamp === undefined || name === undefined) return false;
      const line = `${prefix}${name}\t${stamp.size}\t${stamp.mtimeNs}\t${stamp.ino}\n`;
      if (!text.startsWith(line, at)) return false;
      at += line.length;
    }
  }
  return index === names.length;
}
