import { describe, expect, it } from 'vitest';
import type { FoundScenario } from '../../../../src/core/discover/found-scenario.js';
import { leftOut, provingScenario } from '../../../../src/core/discover/proving-scenario.js';

const endpoints = Object.fromEntries(
  [1, 2, 3].map((at) => [`g${at}`, { bridge: 'br0', port: `p${at}`, mac: `52:54:00:00:00:0${at}` }]),
);
const found = (role: 'uplink' | undefined): FoundScenario => ({
  version: 1,
  name: 'host-br0',
  steps: [],
  topology: {
    provider: 'host',
    bridges: { br0: {} },
    endpoints: {
      ...endpoints,
      nic: { bridge: 'br0', port: 'enp1s0', mac: '00:11:22:33:44:55', ...(role === undefined ? {} : { role }) },
    },
  },
});

describe('what an audit proves', () => {
  it.each([
    ['mac-spoof', false],
    ['mac-flood', true],
  ] as const)(
    'leaves %s out where an uplink could carry a MAC out that nobody has, and says why',
    (probe, disruptive) => {
      const text = (role: 'uplink' | undefined): string => JSON.stringify(provingScenario(found(role), disruptive));
      expect([text(undefined).includes(`"${probe}"`), text('uplink').includes(`"${probe}"`)]).toEqual([true, false]);
      expect([leftOut(probe, disruptive, false), leftOut(probe, disruptive, true)]).toEqual([
        null,
        expect.stringContaining('--allow-new-macs'),
      ]);
    },
  );
});
