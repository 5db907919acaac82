import { existsSync } from 'node:fs';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Guests need an image to boot from, which `npm run test:vm` and `npm test` make. */
const withoutImage = process.env['VERIFY_ISOLATION_GUESTS'] === undefined ? ['test/system/vm/**'] : [];
/** So does the system that a package is installed on: `npm run test:package`. */
const withoutTarget = process.env['VERIFY_ISOLATION_TARGET'] === undefined ? ['test/system/package/**'] : [];

/** What takes a minute and more is for the night: `npm run test:nightly`. */
const withoutNight = process.env['VERIFY_ISOLATION_NIGHTLY'] === undefined ? ['test/system/nightly/**'] : [];

/** Files that take longest, the longest first: one that began last would have a processor wait for the other. */
const longest = [
  'system/adversary/adversary',
  'lab/sabotage/sabotage',
  'system/systemd/directives',
  'lab/host/host',
  'lab/docs/documents',
  'system/hosts/hosts',
  'system/managers/docker',
  'lab/scenarios/attacks',
  'lab/host/disruptive',
  'system/ovs/host',
  'system/hosts/ansible',
  'system/ovs/changes',
  'lab/run/ending',
  'lab/run/disruptive',
  'system/ovs/scenarios',
  'lab/kernel/vlans',
  'lab/host/hostile-managers',
  'lab/host/twin',
  'lab/run/shipped',
  'lab/hostile/hostile',
  'lab/run/events',
  'lab/capture/engines',
  'lab/run/blind',
  'lab/run/steps',
  'unit/system/evidence/collate/keep-leaks',
  'unit/system/evidence/hostile-files',
  'unit/cli/commands/fleet/fleet',
];

for (const name of longest)
  if (!existsSync(new URL(`test/${name}.test.ts`, import.meta.url)))
    throw new Error(`vitest.config.ts: there is no test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return found === -1 ? longest.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

/** A project has the tests of one folder, and its name. What many files test is loaded once for each process. */
const project = (name: string, test: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], isolate: false, ...test },
});

export default defineConfig({
  test: {
    // For a test that hangs, never a measure: a busy machine takes five times as long as an idle one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Labs wait as much as they work: more files at once than processors use what each leaves.
    maxWorkers: 3,
    maxConcurrency: 3,
    sequence: { sequencer: LongestFirst },
    projects: [
      project('unit'),
      project('lab', { setupFiles: ['test/support/lab/setup.ts'] }),
      project('system', {
        setupFiles: ['test/support/lab/setup.ts'],
        exclude: [...configDefaults.exclude, ...withoutImage, ...withoutTarget, ...withoutNight],
      }),
    ],
    tags: [
      { name: 'all', description: 'is for `npm run test:all` alone' },
      { name: 'alike', description: 'comes out alike whoever runs it: `npm test` runs it as one user only' },
      { name: 'kernel', description: 'what a kernel can do decides it: `npm run test:uml` runs it under a second one' },
    ],
  },
});
