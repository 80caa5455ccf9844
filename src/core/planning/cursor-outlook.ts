import { groupedDigits } from '../../kit/units.ts';
import type { Outlook } from '../ports/pulled-source.ts';

/** What a look at a source that is read by cursor found. */
export interface CursorLook {
  /** Records beyond the highest value taken. */
  readonly beyond: number;
  /** Records that were not taken among those that are read again. */
  readonly again: number;
  /** The highest value taken, for people. */
  readonly after: string;
  /** What the system calls a record: `row`, `document`. */
  readonly name: string;
}

/** What waits at a source that is read by cursor: `2 rows after 41, 1 new or changed among those that are read again`. */
export function cursorOutlook({ beyond, again, after, name }: CursorLook): Outlook {
  const records = beyond + again;
  const counted = (count: number): string => `${groupedDigits(count)} ${name}${count === 1 ? '' : 's'}`;
  const words =
    records === 0
      ? `nothing after ${after}`
      : again === 0
        ? `${counted(beyond)} after ${after}`
        : beyond === 0
          ? `${counted(again)} new or changed up to ${after}`
          : `${counted(beyond)} after ${after}, ${groupedDigits(again)} new or changed up to it`;
  return { pending: records === 0 ? 'none' : 'some', records, words };
}
