import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { tags } from './test/support/levels.js';

/** The first test that fails ends a mutant: those without a kernel come first. */
class QuickFirst extends BaseSequencer {
  override sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => (moduleId.includes('/lab/') ? 1 : 0);
    return Promise.resolve([...files].sort((a, b) => rank(a) - rank(b)));
  }
}

/**
 * What `npm run mutate -- stryker.host.config.json` holds the mutants against: what is on disk and undone of a run on a
 * host, on real bridges in namespaces. It takes root.
 */
export default defineConfig({
  test: {
    include: [
      'test/unit/core/bridge/undo/*.test.ts',
      'test/unit/core/bridge/setting-value.test.ts',
      'test/unit/system/fabric/host/*.test.ts',
      'test/unit/system/kernel/seccomp-program.test.ts',
      'test/lab/host/{injection-ports,open,undo}.test.ts',
    ],
    sequence: { sequencer: QuickFirst },
    testTimeout: 20_000,
    isolate: false,
    tags,
  },
});
