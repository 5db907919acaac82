import { configDefaults, defineConfig } from 'vitest/config';
import { filesOfLevel, parseLevel, tags, tagsFilters } from './test/support/levels.js';

/** Guests need an image to boot from, which `npm run test:vm` and `npm run test:all` make. */
const withoutImage = process.env['VERIFY_ISOLATION_GUESTS'] === undefined ? ['test/system/vm/**'] : [];
/** So does the system that a package is installed on: `npm run test:package`. */
const withoutTarget = process.env['VERIFY_ISOLATION_TARGET'] === undefined ? ['test/system/package/**'] : [];

const level = parseLevel(process.env['VERIFY_ISOLATION_LEVEL']);

/** A project has the tests of one folder, and its name. What many files test is loaded once for each process. */
const project = (
  name: string,
  test: { readonly setupFiles?: readonly string[]; readonly exclude?: string[]; readonly retry?: number } = {},
) => ({
  extends: true as const,
  test: {
    name,
    include: filesOfLevel(import.meta.dirname, name, level),
    isolate: false,
    ...test,
    setupFiles: ['test/support/usage.ts', ...(test.setupFiles ?? [])],
  },
});

const lab = ['test/support/lab/setup.ts'];
/** Whole runs name what passed when it was tried again (scripts/test-sum.mjs); single files fail at once. */
const retry = Number(process.env['VERIFY_ISOLATION_RETRY'] ?? 0);

export default defineConfig({
  // Vitest keeps how long each file took and starts with the longest, or the largest of which it does not know. A level
  // has its own, for a file may have tests of both. Projects come by their names: the many short files of `unit` are the
  // last, so that no processor waits for another at the end.
  cacheDir: `.cache/vitest/${level ?? 'each'}`,
  test: {
    // For a test that hangs, never a measure: a busy machine takes five times as long as an idle one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Labs wait as much as they work: more files at once than processors use what each leaves. Projects have this from
    // here: vitest's option --maxWorkers does not reach them.
    maxWorkers: Number(process.env['VERIFY_ISOLATION_WORKERS'] ?? 3),
    maxConcurrency: 3,
    projects: [
      project('unit', { setupFiles: ['test/support/property-runs.ts'] }),
      project('lab', { setupFiles: lab, retry }),
      project('system', {
        setupFiles: lab,
        retry,
        exclude: [...configDefaults.exclude, ...withoutImage, ...withoutTarget],
      }),
    ],
    tags,
    ...(level === null ? {} : { tagsFilter: [tagsFilters[level]] }),
  },
});
