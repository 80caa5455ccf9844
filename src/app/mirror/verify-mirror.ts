import type { Project } from '../../core/model/project.ts';
import type { Rooms } from '../rooms.ts';
import { type CheckOptions, checkMirror, type MirrorCheck } from './check-mirror.ts';

/** Whether a mirror is equal to the newest release. */
export interface MirrorProof extends MirrorCheck {
  readonly equal: boolean;
}

/**
 * Holds each file of the lake against the checksum that the far side has of its own, whatever is remembered of it. Nothing is transferred.
 * @throws DataflowError as a sync does
 */
export async function verifyMirror(
  rooms: Rooms,
  project: Project,
  options: Omit<CheckOptions, 'deep' | 'tell_same'>,
): Promise<MirrorProof> {
  const check = await checkMirror(rooms, project, { ...options, deep: true, tell_same: false });
  const { '+': missing = 0, '*': renew = 0, '!': others = 0 } = check.counts;
  return { ...check, equal: missing + renew + others === 0 };
}
