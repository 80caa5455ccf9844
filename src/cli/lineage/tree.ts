/** A line of a tree and what hangs below it. */
export interface Branch {
  readonly label: string;
  readonly below: readonly Branch[];
}

/** Draws trees with the label of each root at the left edge. */
export function drawTree(branch: Branch, ascii: boolean): readonly string[] {
  return [branch.label, ...drawBelow(branch.below, '', ascii)];
}

function drawBelow(branches: readonly Branch[], indent: string, ascii: boolean): readonly string[] {
  const [tee, corner, bar] = ascii ? ['|- ', '`- ', '|  '] : ['├─ ', '└─ ', '│  '];
  return branches.flatMap((branch, index) => {
    const last = index === branches.length - 1;
    return [
      indent + (last ? corner : tee) + branch.label,
      ...drawBelow(branch.below, indent + (last ? '   ' : bar), ascii),
    ];
  });
}
