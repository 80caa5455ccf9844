/** Stands between the path of an archive and the name of its member: `inbox/achats.zip!/2025/achats.csv`. */
const MARK = '!/';
const MEMBER = /^(.*?\.(?:zip|tar|tar\.gz|tgz))!\//is;

/** The path under which a member of an archive is known. */
export function memberPath(archive: string, name: string): string {
  return `${archive}${MARK}${name}`;
}

/** The path of the archive that a unit is a member of; undefined for a file of its own. */
export function archiveOf(path: string): string | undefined {
  return path.includes(MARK) ? MEMBER.exec(path)?.[1] : undefined;
}

/** A unit with the archive that it is a member of: a unit that is forgotten is found again only if its archive is looked into again. */
export function withArchive(path: string): readonly string[] {
  const archive = archiveOf(path);
  return archive === undefined ? [path] : [path, archive];
}
