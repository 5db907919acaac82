import { configDefaults, defineConfig } from 'vitest/config';

/** Guests need an image to boot from, which `npm run test:vm` and `npm test` make. */
const withoutImage = process.env['VERIFY_ISOLATION_GUESTS'] === undefined ? ['test/vm/**'] : [];
/** So does the system that a package is installed on: `npm run test:package`. */
const withoutTarget = process.env['VERIFY_ISOLATION_TARGET'] === undefined ? ['test/package/**'] : [];

export default defineConfig({
  test: { include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...withoutImage, ...withoutTarget], testTimeout: 30_000, hookTimeout: 30_000, fileParallelism: false, maxConcurrency: 3,
    tags: [{ name: 'kernel', description: 'what a kernel can do decides it: `npm run test:uml` runs it under a second one' }],
  },
});
