import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../src/core/scenario/load-scenario.js';
import { droppingPort, refusedFrames, worseGateway } from '../../../src/run/guard.js';
import { parseDrops } from '../../../src/system/state/read-devices.js';
import { parsePing } from '../../../src/system/traffic/ping.js';

const at = (atMs: number, vnet0: number): { atMs: number; drops: { vnet0: number } } => ({ atMs, drops: { vnet0 } });

describe('a port', () => {
  it('is disturbed when it drops more than three times what is usual and ten frames a second more', () => {
    expect(droppingPort({ vnet0: 0 }, at(0, 500), at(1000, 510))).toBeNull();
    expect(droppingPort({ vnet0: 0 }, at(0, 500), at(1000, 511))).toBe(
      'vnet0 drops 11 frames a second, 0 before the run',
    );
    expect(droppingPort({ vnet0: 100 }, at(0, 0), at(2000, 620))).toBeNull();
    expect(droppingPort({ vnet0: 100 }, at(0, 0), at(2000, 622))).toBe(
      'vnet0 drops 311 frames a second, 100 before the run',
    );
  });

  it('that is new is not held against what nobody has read', () => {
    expect(droppingPort({}, { atMs: 0, drops: {} }, at(1000, 5000))).toBeNull();
  });

  it('is not disturbed by what the run itself sends to reserved groups, but by what comes beside that', () => {
    expect(droppingPort({ vnet0: 0 }, at(0, 500), at(1000, 530), { vnet0: 20 })).toBeNull();
    expect(droppingPort({ vnet0: 0 }, at(0, 500), at(1000, 531), { vnet0: 20 })).toBe(
      'vnet0 drops 11 frames a second, 0 before the run',
    );
    expect(droppingPort({ vnet0: 0 }, at(0, 500), at(1000, 531), { vnet1: 20 })).toBe(
      'vnet0 drops 31 frames a second, 0 before the run',
    );
  });

  it('has those that a bridge keeps to the link refused, of what the run sends there', () => {
    const text = `version: 1
name: one
topology:
  provider: lab
  bridges: { br0: {} }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a", ip: 10.0.0.10/24 }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b", ip: 10.0.0.11/24 }
steps:
  - { name: one, probe: { class: link-local-multicast, from: alice, count: 7 }, expect: unjudged }
  - { name: two, probe: { class: broadcast, from: bob, count: 7 }, expect: unjudged }
`;
    const plan = makePlan(loadScenario('one.yml', Buffer.from(text)), {
      runTag: 1,
      keySha256: '0'.repeat(64),
      bridgeMacs: {},
    });
    expect(refusedFrames(plan)).toEqual({ tap0: 7 });
  });

  it('has its drops in columns 4 and 12 of /proc/net/dev', () => {
    const text =
      'Inter-|   Receive                                                |  Transmit\n face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\nvnet:0:  1500      10    0    3    0     0          0         0     4200      30    0   41    0     0       0          0\n';
    expect(parseDrops(text)).toEqual({ lo: 0, 'vnet:0': 44 });
  });
});

describe('a gateway', () => {
  it('is worse when four pings in a row are lost', () => {
    expect(worseGateway(0.1, [0.1, null, null, null])).toBeNull();
    expect(worseGateway(0.1, [0.1, null, null, null, null])).toContain('no longer answers: 4 pings in a row');
  });

  it('is worse when it answers ten times and 50 ms slower than before', () => {
    expect(worseGateway(0.1, [40, 40, 40, 40])).toBeNull();
    expect(worseGateway(20, [120, 120, 120, 120])).toBeNull();
    expect(worseGateway(0.1, [60, 60, 60, 60])).toBe('the gateway answers in 60.0 ms, in 0.1 ms before the run');
  });

  it('that answered no ping before the run is not watched', () => {
    expect(worseGateway(null, [null, null, null, null])).toBeNull();
  });

  it('speaks through the lines of ping', () => {
    expect(
      [
        '64 bytes from 192.168.0.200: icmp_seq=1 ttl=64 time=0.042 ms',
        'no answer yet for icmp_seq=2',
        'From 192.168.0.1 icmp_seq=3 Destination Host Unreachable',
        'PING 192.168.0.200 (192.168.0.200) 56(84) bytes of data.',
        '',
      ].map(parsePing),
    ).toEqual([0.042, null, null, undefined, undefined]);
  });
});
