import { createHash } from 'node:crypto';
import { type ChecksumRule, ruleOf, sameChecksum } from './checksum.ts';
import type { Content, Sums } from './content.ts';
import { NodeFailure } from './refusals.ts';
import type { FileStatus, WebHdfs } from './webhdfs.ts';

/** What the cluster says of a file that was written. */
export interface Proof {
  readonly status: FileStatus;
  /** In words; undefined when it has just the bytes that were sent. */
  readonly wrong: string | undefined;
  /** By which rule the cluster makes its checksums, if this file tells. */
  readonly rule: ChecksumRule | undefined;
}

/** Whether the checksum of a file is of other bytes than its own: of those that are encrypted or striped on the disks. */
export function isMasked({ encBit, ecBit }: FileStatus): boolean {
  return encBit === true || ecBit === true;
}

/**
 * Compares the cluster's length and checksum with those of the bytes that were sent; where it has none that can be made here the file is read back. Both are
 * asked for at once, which saves a far cluster's time to answer.
 */
export async function proofOf(
  hdfs: WebHdfs,
  path: string,
  { content, sums }: { readonly content: Content; readonly sums: Sums },
  signal: AbortSignal,
): Promise<Proof> {
  const { size_bytes } = content;
  const [status, theirs] = await Promise.all([
    hdfs.status(path, signal),
    size_bytes === 0 ? undefined : hdfs.checksum(path, signal),
  ]);
  if (status === undefined) throw gone(hdfs, path);
  if (status.length !== size_bytes)
    return { status, wrong: `has ${status.length} bytes, not ${size_bytes},`, rule: undefined };
  if (size_bytes === 0) return { status, wrong: undefined, rule: undefined };
  const rule = theirs && ruleOf(theirs);
  if (theirs === undefined || rule === undefined || isMasked(status)) {
    const wrong = (await sha256Of(hdfs, path, signal)) === sums.sha256 ? undefined : 'reads differently';
    return { status, wrong, rule: undefined };
  }
  const ours = isSameRule(rule, sums) ? sums.checksum : (await content.sums(rule)).checksum;
  const wrong = sameChecksum(ours, theirs) ? undefined : 'has another checksum';
  return { status, wrong, rule: rule.block_bytes > 0 || rule.kind === 'composite' ? rule : undefined };
}

/** Of a file as it is read. */
export async function sha256Of(hdfs: WebHdfs, path: string, signal: AbortSignal): Promise<string> {
  const chunks = await hdfs.open(path, { offset: 0 }, signal);
  if (chunks === undefined) throw gone(hdfs, path);
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

function gone(hdfs: WebHdfs, path: string): NodeFailure {
  return new NodeFailure('data', hdfs.name, new Error(`${path} is gone`));
}

/** A file of one block says nothing of how large blocks are. */
function isSameRule(theirs: ChecksumRule, { rule, checksum }: Sums): boolean {
  if (theirs.kind !== rule.kind || theirs.crc !== rule.crc || theirs.chunk_bytes !== rule.chunk_bytes) return false;
  return (
    theirs.block_bytes === rule.block_bytes || (theirs.block_bytes === 0 && checksum.algorithm.startsWith('MD5-of-0'))
  );
}
