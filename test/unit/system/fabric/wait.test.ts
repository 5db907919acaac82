import { describe, expect, test } from 'vitest';
import type { HostState } from '../../../../src/core/model/state.js';
import { linksInOneGo, waitForSpanningTree, waitUntilForwarding } from '../../../../src/system/fabric/wait.js';
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

describe('spanning tree after a guest has started', () => {
  /** A bridge with a port that listens and learns for 30 s, whose topology change then lasts for `changeS`. */
  async function waitedFor(changeS: number, bridges: readonly string[] | null = null) {
    const clock = fakeClock();
    const notes: string[] = [];
    const readLinks = () => {
      const s = clock.now() / 1000;
      const onTheWay = s < 15 ? 'listening' : 'learning';
      const topology_change = s >= 30 && s < 30 + changeS ? 1 : 0;
      return Promise.resolve([
        upLink('br0', { kind: 'bridge', bridge: { forward_delay: 1500, max_age: 2000, topology_change } }),
        upLink('vnet0', { master: 'br0', port: { state: s < 30 ? onTheWay : 'forwarding' } }),
      ]);
    };
    await waitForSpanningTree({ readLinks, bridges, clock, note: (text) => notes.push(text) });
    return { ms: clock.now(), notes };
  }

  test('is waited for until its topology change is over, with what remains said every five seconds', async () => {
    const { ms, notes } = await waitedFor(35);
    expect(ms).toBe(65_000);
    expect(notes).toHaveLength(13);
    expect(notes[0]).toBe('spanning tree: 1 port of br0 does not forward yet; waiting 70 s at most');
    expect(notes.at(-1)).toBe('spanning tree: a topology change makes br0 forget MACs early; waiting 10 s at most');
  });

  test('is waited for no longer than its own times allow, and not on bridges that are not asked', async () => {
    expect((await waitedFor(9999)).ms).toBe(70_000);
    expect(await waitedFor(35, ['br1'])).toEqual({ ms: 0, notes: [] });
  });
});
