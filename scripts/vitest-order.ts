import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Test files that take longest, the longest first: begun last, one of them would leave the other workers idle at the end. A file that is not
 * here comes after them. What matters is the order alone; times stand beside the files in the log of a run.
 */
export const LONGEST: readonly string[] = [
  'test/transcripts.test.ts',
  'test/broken-build.test.ts',
  'test/missing.test.ts',
  'test/compact.test.ts',
  'test/soak/kill.test.ts',
  'test/undo.test.ts',
  'test/documents.test.ts',
  'src/connectors/sqlite/source.test.ts',
  'test/backfill.test.ts',
  'test/faults/drift.test.ts',
  'src/connectors/fake/source.test.ts',
  'test/incremental.test.ts',
  'test/http/contract.test.ts',
  'test/http/runs.test.ts',
  'test/verify.test.ts',
  'test/retail-oracle.test.ts',
  'test/enrich-table.test.ts',
  'test/trace.test.ts',
  'test/quarantine-kill.test.ts',
  'test/faults/identity.test.ts',
  'test/quarantine-layouts.test.ts',
  'test/pulled.test.ts',
  'test/quarantine-bronze.test.ts',
  'test/archives.test.ts',
  'test/untrusted.test.ts',
  'test/random-pipelines.test.ts',
  'test/parsed-early.test.ts',
  // Against real servers:
  'test/services/mongodb-contract.test.ts',
  'test/services/postgres-contract.test.ts',
  'test/services/files-places.test.ts',
  'test/services/transcripts.test.ts',
  'test/services/kafka-faults.test.ts',
  'test/services/kafka-contract.test.ts',
  'test/services/kafka-exactly-once.test.ts',
  'test/services/kafka-publish.test.ts',
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
