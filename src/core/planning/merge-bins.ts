import type { DataFile } from '../ports/lake.ts';

/** A file counts as small below this part of the target: one that is nearly as large gains nothing. */
const SMALL_PART = 0.5;

/**
 * Which files to write together: runs of small neighbours in the order of arrival, per partition, as many as fit into the target size, two at
 * least. Only neighbours: their rows stay in the order in which they arrived. Pure.
 */
export function mergeBins(
  files: readonly Pick<DataFile, 'path' | 'size_bytes' | 'partition_values'>[],
  target_bytes: number,
): readonly (readonly string[])[] {
  const partitions = new Map<string, (typeof files)[number][]>();
  for (const file of files) {
    const key = JSON.stringify(Object.entries(file.partition_values).sort(([a], [b]) => (a < b ? -1 : 1)));
    const own = partitions.get(key);
    if (own === undefined) partitions.set(key, [file]);
    else own.push(file);
  }
  return [...partitions.values()].flatMap((own) => binsOf(own, target_bytes));
}

function binsOf(
  files: readonly Pick<DataFile, 'path' | 'size_bytes'>[],
  target_bytes: number,
): readonly (readonly string[])[] {
  const bins: string[][] = [];
  let open: string[] = [];
  let bytes = 0;
  const close = (): void => {
    if (open.length > 1) bins.push(open);
    open = [];
    bytes = 0;
  };
  for (const { path, size_bytes } of files) {
    const small = size_bytes < target_bytes * SMALL_PART;
    if (!small || bytes + size_bytes > target_bytes) close();
    if (!small) continue;
    open.push(path);
    bytes += size_bytes;
  }
  close();
  return bins;
}
