import { existsSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { tags } from './test/support/levels.js';

/**
 * Files that judge whole captures and meshes, from the quickest to the longest: they find what the tests of single
 * functions miss.
 */
const slow = [
  'unit/core/judge/verdict',
  'unit/core/judge/judge',
  'unit/core/judge/expectations',
  'unit/core/judge/forger',
  'unit/system/evidence/hear-foreign',
  'unit/core/judge/hostile-frames',
  'unit/core/judge/proof-properties',
  'unit/core/plan/flows/flow-table',
  'unit/core/discover/host-on-record',
  'unit/captures/recorded',
  'unit/core/judge/mesh',
  'unit/core/plan/recorded-plans',
];
for (const name of slow)
  if (!existsSync(new URL(`test/${name}.test.ts`, import.meta.url)))
    throw new Error(`vitest.mutation.config.ts: there is no test/${name}.test.ts`);

/**
 * The first test that fails ends a mutant, so quick ones come first; left alone, the longest would. Tests of the judge
 * make a plan as well, so those of the plan go before them.
 */
class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const at = slow.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
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
    // What programs that manage guests print is no part of what is changed.
    exclude: [
      ...configDefaults.exclude,
      'test/unit/core/discover/guests.test.ts',
      'test/unit/core/discover/{guests,managers}/**',
    ],
    setupFiles: ['test/support/few-runs.ts'],
    sequence: { sequencer: QuickFirst },
    testTimeout: 30_000,
    isolate: false,
    tags,
  },
});
