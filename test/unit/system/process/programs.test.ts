import { expect, it } from 'vitest';
import { runProgram } from '../../../../src/system/process/programs.js';

it('gives up a program whose child has left its group and holds its output open', async () => {
  const startMs = performance.now();
  const { stderr } = await runProgram(['sh', '-c', 'setsid sleep 8 & exit 0'], { timeoutMs: 200 });
  expect(stderr).toContain('it took longer than 0.2 s');
  expect(performance.now() - startMs).toBeLessThan(5000);
});
