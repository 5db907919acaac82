import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Guests need an image to boot from, which `npm run test:vm` and `npm test` make. */
const withoutImage = process.env['VERIFY_ISOLATION_GUESTS'] === undefined ? ['test/vm/**'] : [];
/** So does the system that a package is installed on: `npm run test:package`. */
const withoutTarget = process.env['VERIFY_ISOLATION_TARGET'] === undefined ? ['test/package/**'] : [];

/** Files that take longest, the longest first: one that began last would have a processor wait for the other. */
const longest = [
  'sabotage/sabotage',
  'docs/documents',
  'fabric/host',
  'scenarios/attacks',
  'hosts/hosts',
  'fabric/host-ovs-changes',
  'fabric/twin',
  'fabric/host-ovs',
  'capture/engines',
  'hostile/hostile',
  'live/shipped',
  'live/ending',
  'fabric/disruptive-host',
  'live/disruptive',
  'live/output',
  'commands/watch',
  'audit/prove',
  'live/steps',
  'evidence/keep-leaks',
  'evidence/hostile-files',
  'live/blind',
  'evidence/export',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification): number => {
      const found = longest.findIndex((name) => moduleId.endsWith(`/test/${name}.test.ts`));
      return found === -1 ? longest.length : found;
    };
    return (await super.sort(files)).sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...withoutImage, ...withoutTarget],
    testTimeout: 90_000,
    hookTimeout: 90_000,
    maxWorkers: 3,
    maxConcurrency: 3,
    // Labs wait as much as they work: more files at once than processors use what each leaves.
    sequence: { sequencer: LongestFirst },
    tags: [
      { name: 'kernel', description: 'what a kernel can do decides it: `npm run test:uml` runs it under a second one' },
    ],
  },
});
