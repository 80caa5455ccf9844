import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Test files that take longest, the longest first: begun last, one of them would leave the other workers idle at the end. A file that is not
 * here comes after them. What matters is the order alone; times stand beside the files in the log of a run.
 */
export const LONGEST: readonly string[] = [
  'test/transcripts.test.ts',
  'test/broken-build.test.ts',
  'test/soak/kill.test.ts',
  'test/documents.test.ts',
  'test/compact.test.ts',
  'test/missing.test.ts',
  'test/backfill.test.ts',
  'test/undo.test.ts',
  'src/connectors/sqlite/sink.test.ts',
  'test/incremental.test.ts',
  'src/connectors/sqlite/source.test.ts',
  'test/faults/drift.test.ts',
  'test/http/runs.test.ts',
  'src/connectors/fake/source.test.ts',
  'test/retail-oracle.test.ts',
  'test/untrusted.test.ts',
  'test/pulled.test.ts',
  'test/faults/identity.test.ts',
  'test/quarantine-bronze.test.ts',
  'test/trace.test.ts',
  'test/faults/durability.test.ts',
  'test/quarantine-layouts.test.ts',
  'test/random-pipelines.test.ts',
  'test/quarantine-kill.test.ts',
  'test/resources.test.ts',
  'test/quarantine.test.ts',
  'test/http/contract.test.ts',
  'test/enrich.test.ts',
  'test/enrich-table.test.ts',
  'src/engines/duckdb/duckdb.test.ts',
  'test/undone-decisions.test.ts',
  'test/lost-table.test.ts',
  'test/soak/broken.test.ts',
  'test/compact-landing.test.ts',
  'test/parsed-early.test.ts',
  'src/lake/kill.test.ts',
  'test/weather.test.ts',
  'test/archives.test.ts',
  'test/faults/locks.test.ts',
  // Against real servers; those that wait between those that compute on Spark, which is two cores' work:
  'test/services/transcripts.test.ts',
  'test/services/spark-cluster.test.ts',
  'test/services/mongodb-contract.test.ts',
  'test/services/far-lake.test.ts',
  'test/services/far-faults.test.ts',
  'test/services/spark-faults.test.ts',
  'test/services/factures-project.test.ts',
  'test/services/mongodb-load.test.ts',
  'test/services/spark-steps.test.ts',
  'test/services/files-places.test.ts',
  'test/services/hdfs-faults.test.ts',
  'test/services/spark-statements.test.ts',
  'test/services/kafka-faults.test.ts',
  'test/services/mongodb-load-contract.test.ts',
  'test/services/parity.test.ts',
  'test/services/transactions-project.test.ts',
  'test/services/postgres-contract.test.ts',
  'test/services/postgres-load.test.ts',
  'test/services/mirror.test.ts',
  'test/services/kafka-contract.test.ts',
  'test/services/postgres-load-faults.test.ts',
  'test/services/spark-project.test.ts',
  'test/services/hdfs-sync.test.ts',
  'test/services/kafka-exactly-once.test.ts',
  'test/services/crypto-project.test.ts',
  'test/services/spark-connect.test.ts',
  'test/services/spark-dialect.test.ts',
];

/** Puts long files before short ones; among the others the order is vitest's own. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}`));
      return at < 0 ? LONGEST.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
