import type { ArchiveKind, UnitProblem } from './source.ts';

/** An archive as it lies on the disk, and what may be taken out of it. */
export interface ArchiveRequest {
  readonly uri: string;
  readonly kind: ArchiveKind;
  /** Limit on what all members together expand to. */
  readonly max_expanded_bytes: number;
  /** Limit on expanded size / archive size; looked at only once the expanded size is beyond 100 MB. */
  readonly max_ratio: number;
}

export interface ArchiveMember {
  /** As the archive names it, with `/`; checked: it leads nowhere else. */
  readonly name: string;
  /** Size after decompression, as the archive states it. */
  readonly size_bytes: number;
  /** Why this member cannot be taken although its archive can: a link, a device, encrypted, sparse. */
  readonly refused?: { readonly code: string; readonly reason: string };
}

export interface ArchiveListing {
  /** Of the archive's own bytes. */
  readonly sha256: string;
  readonly size_bytes: number;
  /** In the archive's order, folders left out; no name comes twice. */
  readonly members: readonly ArchiveMember[];
  /** Why the whole archive cannot be taken: nothing of it was expanded. */
  readonly problem?: UnitProblem;
}

/** Looks into archives and takes members out of them. Bad content is `problem` in the answer; only I/O errors and an aborted signal are thrown. */
export interface ArchiveReader {
  /** What is in it. Nothing is written. */
  list(request: ArchiveRequest, signal?: AbortSignal): Promise<ArchiveListing>;
  /** Writes members to files, name → path. Answers what is wrong with a member, by its name; of such a one the file may hold a part. */
  extract(
    request: ArchiveRequest,
    targets: ReadonlyMap<string, string>,
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, UnitProblem>>;
}
