import { createHash } from 'node:crypto';
import { type ChecksumRule, ruleOf, sameChecksum } from './checksum.ts';
import type { Content, Sums } from './content.ts';
import { NodeFailure } from './refusals.ts';
import type { FileStatus, WebHdfs } from './webhdfs.ts';

/** What the cluster said of a file that was written. */
export interface Proof {
  /** In words; undefined when it has just the bytes that were sent. */
  readonly wrong: string | undefined;
  /** By which rule the cluster makes its checksums, if this file tells. */
  readonly rule: ChecksumRule | undefined;
}

/** Whether the checksum of a file is of other bytes than its own: of those that are encrypted or striped on the disks. */
export function isMasked({ encBit, ecBit }: FileStatus): boolean {
  return encBit === true || ecBit === true;
}

/** Compares the cluster's checksum with that of the bytes that were sent; where it has none that can be made here the file is read back. */
export async function proofOf(
  hdfs: WebHdfs,
  path: string,
  status: FileStatus,
  sent: { readonly content: Content; readonly sums: Sums },
  signal: AbortSignal,
): Promise<Proof> {
  const { content, sums } = sent;
  if (content.size_bytes === 0) return { wrong: undefined, rule: undefined };
  const theirs = isMasked(status) ? undefined : ((await hdfs.checksum(path, signal)) ?? gone(hdfs, path));
  const rule = theirs && ruleOf(theirs);
  if (theirs === undefined || rule === undefined) {
    const wrong = (await sha256Of(hdfs, path, signal)) === sums.sha256 ? undefined : 'reads differently';
    return { wrong, rule: undefined };
  }
  const ours = isSameRule(rule, sums) ? sums.checksum : (await content.sums(rule)).checksum;
  return {
    wrong: sameChecksum(ours, theirs) ? undefined : 'has another checksum',
    rule: rule.block_bytes > 0 || rule.kind === 'composite' ? rule : undefined,
  };
}

/** Of a file as it is read. */
export async function sha256Of(hdfs: WebHdfs, path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of (await hdfs.open(path, { offset: 0 }, signal)) ?? gone(hdfs, path)) hash.update(chunk);
  return hash.digest('hex');
}

function gone(hdfs: WebHdfs, path: string): never {
  throw new NodeFailure('data', hdfs.name, new Error(`${path} is gone`));
}

/** A file of one block says nothing of how large blocks are. */
function isSameRule(theirs: ChecksumRule, { rule, checksum }: Sums): boolean {
  if (theirs.kind !== rule.kind || theirs.crc !== rule.crc || theirs.chunk_bytes !== rule.chunk_bytes) return false;
  return (
    theirs.block_bytes === rule.block_bytes || (theirs.block_bytes === 0 && checksum.algorithm.startsWith('MD5-of-0'))
  );
}
