import type { InputUnit } from '../../core/ports/source.ts';

/** Names the state in which a file was found; for a member, that of its archive, which it carries in its `inode`. */
export function stampOf({ uri, mtime_ns, inode, size_bytes, member }: InputUnit): string {
  return `${uri}|${mtime_ns}|${member === undefined ? `${inode}/${size_bytes}` : inode}`;
}
