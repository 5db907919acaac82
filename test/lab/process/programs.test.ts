import { describe, expect, it } from 'vitest';
import { mustRun, runProgram } from '../../../src/system/process/programs.js';

describe('a program', () => {
  it('that does not end is killed with what it started, which would hold its output open', async () => {
    const { status, stderr } = await runProgram(['sh', '-c', 'sleep 1000 & wait'], { timeoutMs: 300 });
    expect([status, stderr.trim()]).toEqual([null, 'it took longer than 0.3 s and was killed']);
  });

  it('that went beyond time and output both says once why it was killed', async () => {
    const running = runProgram(['yes'], { timeoutMs: 1, maxOutput: 1000 });
    // its time is over, and what it printed is still to be read
    for (const began = performance.now(); performance.now() - began < 300; );
    const { status, stderr } = await running;
    expect([status, stderr.match(/was killed/g)]).toEqual([null, ['was killed']]);
  });

  it('that prints without end is killed, and nothing beyond the limit is kept', async () => {
    const { status, stdout, stderr } = await runProgram(['yes'], { maxOutput: 2 ** 20 });
    expect([status, stderr.trim()]).toEqual([null, 'it printed more than 1 MiB and was killed']);
    expect(stdout.length).toBeLessThanOrEqual(2 ** 20);
    await expect(mustRun(['yes'], { maxOutput: 2 ** 20 })).rejects.toThrow(
      'yes: it printed more than 1 MiB and was killed',
    );
  });
});
