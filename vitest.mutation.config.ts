import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that judge whole captures and meshes, from the quickest to the longest: they find what the tests of single
 * functions miss.
 */
const slow = [
  'core/judge/verdict',
  'core/judge/judge.',
  'evidence/hear-foreign',
  'core/judge/hostile-frames',
  'core/judge/proof-properties',
  'plan/flows/flow-table',
  'discover/host-on-record',
  'unit/captures/',
  'core/judge/mesh',
  'plan/recorded-plans',
];

/**
 * The first test that fails ends a mutant, so quick ones come first; left alone, the longest would. Tests of the judge
 * make a plan as well, so those of the plan go before them.
 */
class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex((part) => moduleId.includes(part));
      return at >= 0 ? at : /unit\/core\/(plan|discover|fix|bridge)\//.test(moduleId) ? -2 : -1;
    };
    return Promise.resolve([...files].sort((a, b) => rank(a) - rank(b)));
  }
}

/** What `npm run mutate` holds the mutants against: the tests of judge, plan and token, which need no kernel. */
export default defineConfig({
  test: {
    include: [
      'test/unit/core/{judge,plan,discover,fix}/**/*.test.ts',
      'test/unit/core/bridge/*.test.ts',
      'test/unit/core/wire/token.test.ts',
      'test/unit/system/evidence/{hear-foreign,folder/timeline-log}.test.ts',
      'test/unit/captures/recorded.test.ts',
    ],
    setupFiles: ['test/support/few-runs.ts'],
    sequence: { sequencer: QuickFirst },
    testTimeout: 30_000,
    isolate: false,
  },
});
