import { closeSync } from 'node:fs';
import { expect, it } from 'vitest';
import type { Plan } from '../../../src/core/model/plan.js';
import { startGuard } from '../../../src/run/guard.js';
import { newNamespace } from '../../../src/system/kernel/namespaces.js';
import { needs, root } from '../../support/needs.js';

/** Of nobody: it is the namespace that the guard looks at. */
const plan = { bridges: [], endpoints: [], steps: [] } as unknown as Plan;

it('a guard whose namespace is gone stops the run with the reason', needs(root), async () => {
  const fd = newNamespace();
  const netns = `/proc/${process.pid}/fd/${fd}`;
  const guard = await startGuard(plan, netns);
  try {
    guard.arm();
    closeSync(fd);
    await expect.poll(() => guard.signal.aborted, { timeout: 10_000 }).toBe(true);
    expect(guard.signal.reason).toMatchObject({ code: 'namespace-missing', exitCode: 69 });
  } finally {
    guard.stop();
  }
});
