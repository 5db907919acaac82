import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 30_000, hookTimeout: 30_000, fileParallelism: false, maxConcurrency: 3,
    tags: [{ name: 'kernel', description: 'what a kernel can do decides it: `npm run test:uml` runs it under a second one' }],
  },
});
