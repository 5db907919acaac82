import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Guests need an image to boot from, which `npm run test:vm` and `npm test` make. */
const withoutImage = process.env['VERIFY_ISOLATION_GUESTS'] === undefined ? ['test/vm/**'] : [];
/** So does the system that a package is installed on: `npm run test:package`. */
const withoutTarget = process.env['VERIFY_ISOLATION_TARGET'] === undefined ? ['test/package/**'] : [];

/** Files that take longest, the longest first: one that began last would have a processor wait for the other. */
const longest = ['sabotage/sabotage', 'fabric/host', 'scenarios/attacks', 'live/shipped', 'docs/documents', 'fabric/twin', 'live/ending', 'capture/engines', 'live/output', 'commands/watch', 'fabric/host-ovs', 'evidence/export', 'live/steps', 'live/blind'];

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
  test: { include: ['test/**/*.test.ts'], exclude: [...configDefaults.exclude, ...withoutImage, ...withoutTarget], testTimeout: 90_000, hookTimeout: 90_000, maxWorkers: 2, maxConcurrency: 3,
    // Labs wait as much as they work: two files at once use what one leaves.
    sequence: { sequencer: LongestFirst },
    tags: [{ name: 'kernel', description: 'what a kernel can do decides it: `npm run test:uml` runs it under a second one' }],
  },
});
