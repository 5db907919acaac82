import { defineConfig } from 'vitest/config';

/** Long loops behind `npm run soak`. */
export default defineConfig({
  test: { include: ['test/**/*.soak.ts'], testTimeout: 3_600_000, hookTimeout: 60_000, fileParallelism: false },
});
