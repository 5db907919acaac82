import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that judge whole captures and meshes: they find what the tests of single functions miss, and take the longest. */
const slow = ['test/captures/', 'test/judge/mesh', 'test/judge/foreign.', 'test/judge/hostile-frames', 'test/judge/judge.', 'test/plan/recorded-plans'];

/** The first test that fails ends a mutant, so quick ones come first; left alone, the longest would. */
class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => slow.findLastIndex((part) => moduleId.includes(part));
    return Promise.resolve([...files].sort((a, b) => rank(a) - rank(b)));
  }
}

/** What `npm run mutate` holds the mutants against: the tests of judge, plan and token, which need no kernel. */
export default defineConfig({
  test: {
    include: ['test/judge/**/*.test.ts', 'test/plan/**/*.test.ts', 'test/wire/token.test.ts', 'test/captures/recorded.test.ts'],
    setupFiles: ['test/mutation/few-runs.ts'],
    sequence: { sequencer: QuickFirst },
    testTimeout: 30_000,
    isolate: false,
  },
});
