import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const module = join(import.meta.dirname, '../../../build/system/kernel/page-memory.js');
const script = `import { pageMemory, sharedPageMemory } from '${module}'; console.log(pageMemory(70_000).length, sharedPageMemory(70_000).length, sharedPageMemory(70_000).buffer instanceof SharedArrayBuffer);`;

/** What a program of its own says of such bytes. */
function reported(command: string, ...words: readonly string[]): string {
  return spawnSync(command, [...words, '--input-type=module', '-e', script], { encoding: 'utf8' }).stdout;
}

describe('bytes to read files into', () => {
  it('are there without WebAssembly and without gigabytes of address space', () => {
    const node = process.execPath;
    for (const [command, ...words] of [[node], [node, '--jitless'], ['prlimit', '--as=4000000000', node]] as const)
      expect(reported(command, ...words)).toBe('70000 70000 true\n');
  });
});
