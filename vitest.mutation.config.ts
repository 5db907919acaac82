import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Files that judge whole captures and meshes, from the quickest to the longest: they find what the tests of single
 * functions miss.
 */
const slow = [
  'test/judge/verdict',
  'test/judge/judge.',
  'test/judge/foreign.',
  'test/judge/hostile-frames',
  'test/judge/proof-properties',
  'test/plan/flow-table',
  'test/plan/host-on-record',
  'test/captures/',
  'test/judge/mesh',
  'test/plan/recorded-plans',
];

/**
 * The first test that fails ends a mutant, so quick ones come first; left alone, the longest would. Tests of the judge
 * make a plan as well, so those of the plan go before them.
 */
class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex((part) => moduleId.includes(part));
      return at >= 0 ? at : moduleId.includes('test/plan/') ? -2 : -1;
    };
    return Promise.resolve([...files].sort((a, b) => rank(a) - rank(b)));
  }
}

/** What `npm run mutate` holds the mutants against: the tests of judge, plan and token, which need no kernel. */
export default defineConfig({
  test: {
    include: [
      'test/judge/**/*.test.ts',
      'test/plan/**/*.test.ts',
      'test/wire/token.test.ts',
      'test/captures/recorded.test.ts',
    ],
    setupFiles: ['test/mutation/few-runs.ts'],
    sequence: { sequencer: QuickFirst },
    testTimeout: 30_000,
    isolate: false,
  },
});
