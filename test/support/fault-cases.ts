/** What a fault may lead to; anything else is a defect. */
export type FaultOutcome = 'ATOMIC' | 'RESUME' | 'QUAR' | 'EXIT';

export interface FaultCase {
  readonly number: number;
  readonly title: string;
  readonly outcomes: readonly FaultOutcome[];
  /** Has tests that name its number. */
  readonly tested: boolean;
}

function fault(number: number, title: string, outcomes: string, tested = true): FaultCase {
  return { number, title, outcomes: outcomes.split(' ') as FaultOutcome[], tested };
}

/** The cases of commits, storage and input files, and what each must come to. An untested one becomes tested by a test `case <n>: …`. */
export const FAULT_CASES: readonly FaultCase[] = [
  fault(1, 'kill -9 at every commit step', 'ATOMIC RESUME'),
  fault(2, 'kill -9 between data commit and ledger commit', 'ATOMIC RESUME'),
  fault(3, 'power loss: writes that were not made durable are gone', 'ATOMIC'),
  fault(4, 'no space left, on disks that fill up sooner and later', 'EXIT ATOMIC RESUME'),
  fault(5, 'fsync fails', 'EXIT'),
  fault(6, 'torn Parquet files of others in a table folder', 'ATOMIC'),
  fault(7, 'a flipped byte in a published file', 'EXIT'),
  fault(8, 'two runs at once', 'EXIT ATOMIC'),
  fault(9, 'stale lock', 'RESUME'),
  fault(10, 'two writers race for one version', 'ATOMIC EXIT'),
  fault(11, 'reader during publish', 'ATOMIC'),
  fault(12, 'ledger busy, read-only, damaged, deleted', 'EXIT RESUME'),
  fault(13, 'ledger of a newer version', 'EXIT'),
  fault(14, 'outcome of a publish unknown', 'ATOMIC'),
  fault(15, 'clock skew', 'ATOMIC'),
  fault(16, 'SIGINT and SIGTERM, once and twice', 'RESUME'),
  fault(17, 'out of memory in the engine; a run that is killed', 'EXIT RESUME'),
  fault(18, 'stdout closed, no terminal, odd environment', 'EXIT ATOMIC'),
  fault(19, 'a step fails in the middle of the graph', 'EXIT RESUME'),
  fault(20, 'an old batch run again', 'ATOMIC'),
  fault(21, 'the same file again', 'ATOMIC'),
  fault(22, 'a renamed file', 'ATOMIC'),
  fault(23, 'same name, new content', 'ATOMIC EXIT'),
  fault(24, 'a file that changes or vanishes while it is read', 'EXIT RESUME'),
  fault(25, 'damaged compression', 'QUAR'),
  fault(26, 'damaged Parquet', 'QUAR'),
  fault(27, 'CSV: encodings, line ends, headers', 'QUAR'),
  fault(28, 'CSV: records that do not fit', 'QUAR'),
  fault(29, 'types at their limits', 'QUAR'),
  fault(30, 'JSON: cut, nested, odd', 'QUAR'),
  fault(31, 'columns of the source changed', 'QUAR EXIT'),
  fault(32, 'a file larger than memory', 'ATOMIC'),
  fault(33, 'thousands of files, odd names', 'ATOMIC'),
  fault(34, 'bombs, links, devices', 'QUAR'),
  fault(35, 'path traversal', 'QUAR EXIT'),
  fault(36, 'Kafka: a crash between poll, landing, commit', 'RESUME'),
  fault(37, 'Kafka: rebalances, and a late writer that was replaced', 'ATOMIC EXIT'),
  fault(38, 'Kafka: broker restarts, is away, or no longer has what comes next', 'RESUME EXIT'),
  fault(39, 'Kafka: tombstones, holes of compaction, aborted transactions', 'ATOMIC'),
  fault(40, 'Kafka: poison, 10 MB in one message', 'QUAR EXIT'),
  fault(41, 'HDFS: DataNodes that die, cannot be reached, or are not named', 'RESUME EXIT'),
  fault(42, 'HDFS: standby, failover, safe mode, start, refused rights', 'RESUME EXIT'),
  fault(43, 'S3: overload, resets, errors in the body of a 200', 'RESUME EXIT'),
  fault(44, 'mirror: changed by others, a source that shrank, a sync that was cut off', 'EXIT RESUME'),
  fault(
    45,
    'MongoDB: connection cut and primary changed in mid bulk, two upserts of one key, rows that no document can be',
    'RESUME QUAR',
  ),
  fault(
    46,
    'PostgreSQL: cut in mid COPY and at COMMIT, deadlock, disk full, a value that is refused',
    'ATOMIC RESUME EXIT',
  ),
  fault(47, 'API: refusals, damaged answers, silence', 'RESUME EXIT'),
  fault(48, 'API: pages that go in circles, shift, are empty', 'ATOMIC EXIT'),
];
