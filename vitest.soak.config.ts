import { defineConfig } from 'vitest/config';

/** Long loops behind `npm run soak`. */
export default defineConfig({
  test: {
    include: ['test/{lab/soak,system/adversary}/*.soak.ts'],
    setupFiles: ['test/support/lab/setup.ts'],
    testTimeout: 3_600_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
});
