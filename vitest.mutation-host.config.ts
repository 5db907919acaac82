import { defineConfig } from 'vitest/config';

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
      'test/lab/host/{open,undo}.test.ts',
    ],
    testTimeout: 20_000,
    isolate: false,
  },
});
