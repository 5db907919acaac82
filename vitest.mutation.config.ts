import { defineConfig } from 'vitest/config';

/** What `npm run mutate` holds the mutants against: the tests of judge, plan and token, which need no kernel. */
export default defineConfig({
  test: {
    include: ['test/judge/**/*.test.ts', 'test/plan/**/*.test.ts', 'test/wire/token.test.ts', 'test/captures/recorded.test.ts'],
    setupFiles: ['test/mutation/few-runs.ts'],
    testTimeout: 30_000,
    isolate: false,
  },
});
