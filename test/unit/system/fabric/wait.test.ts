import { describe, expect, test } from 'vitest';
import type { HostState } from '../../../../src/core/model/state.js';
import { linksInOneGo, waitUntilForwarding } from '../../../../src/system/fabric/wait.js';
import { fakeClock } from '../../../support/fake-clock.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const ports = Array.from({ length: 2.5 * linksInOneGo }, (_, at) => `p${at}`);

/** A kernel whose link watch deals with so many ports each time it is woken. */
function sleepyKernel(inOneGo: number): {
  readonly readState: () => Promise<HostState>;
  readonly wakeLinkWatch: () => Promise<void>;
  woken: number;
} {
  const kernel = {
    woken: 0,
    readState: () =>
      Promise.resolve(
        stateWith(
          ports.map((name, at) =>
            upLink(name, { port: { state: at < kernel.woken * inOneGo ? 'forwarding' : 'disabled' } }),
          ),
        ),
      ),
    wakeLinkWatch: () => {
      kernel.woken += 1;
      return Promise.resolve();
    },
  };
  return kernel;
}

describe('ports of a large lab', () => {
  test('the link watch is woken as long as ports come to forwarding by it', async () => {
    const kernel = sleepyKernel(linksInOneGo);
    await waitUntilForwarding({ ports, sysfs: false, clock: fakeClock(), ...kernel });
    expect(kernel.woken).toBe(3);
  });

  test('it is woken once where that changes nothing', async () => {
    const kernel = sleepyKernel(0);
    const waited = waitUntilForwarding({ ports, sysfs: false, clock: fakeClock(), ...kernel });
    await expect(waited).rejects.toThrow('250 ports do not forward: p0, p1, p2, p3, p4');
    expect(kernel.woken).toBe(1);
  });
});
