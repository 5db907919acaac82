import { describe, expect, it } from 'vitest';
import { addressesBeside, copiedNeighbours } from '../../../../../src/core/discover/twin/copied-neighbours.js';

const [a, b, c] = ['02:00:00:00:00:01', '02:00:00:00:00:02', '02:00:00:00:00:03'] as const;
const endpoints = {
  a: { bridge: 'br0', port: 'p0', mac: a, ip: '10.0.0.1/24' },
  b: { bridge: 'br0', port: 'p1', mac: b, ip: '10.0.0.2/24' },
  c: { bridge: 'br0', port: 'p2', mac: c, ip: '10.0.0.3/24' },
};
const entry = (address: string, mac: string, isStatic = false) => ({ address, mac, device: 'br0', isStatic });
const copied = (entries: readonly ReturnType<typeof entry>[], of: typeof endpoints | object = endpoints) =>
  copiedNeighbours({ neighbours: entries }, 'br0', { ...of });

describe('what a bridge answers for its guests', () => {
  it('is asked by a third guest where it leads to another one', () => {
    const { steps, commands, missing } = copied([entry('10.0.0.2', c), entry('10.0.0.1', a)]);
    expect(steps).toMatchObject([{ traffic: [{ kind: 'ping', from: 'a', to: 'b' }] }]);
    expect(commands.map((words) => words.join(' '))).toEqual([
      `ip neigh replace 10.0.0.2 lladdr ${c} dev br0 nud permanent`,
      `ip neigh replace 10.0.0.1 lladdr ${a} dev br0 nud stale`,
      `bridge fdb replace ${c} dev p2 master dynamic`,
      `bridge fdb replace ${a} dev p0 master dynamic`,
    ]);
    expect(missing).toEqual([]);
  });

  it('is not asked where it is right, or leads to no guest', () => {
    expect(copied([entry('10.0.0.2', b, true), entry('10.0.0.2', '02:00:00:00:00:99')]).steps).toEqual([]);
    const shared = { ...endpoints, c: { ...endpoints.c, ip: ['10.0.0.3/24', '10.0.0.2/24'] } };
    expect(copied([entry('10.0.0.2', c)], shared)).toMatchObject({ steps: [], missing: [] });
    expect(copiedNeighbours({}, 'br0', endpoints)).toEqual({ commands: [], steps: [], missing: [] });
    expect(copied([{ ...entry('10.0.0.2', c), device: 'br1' }])).toEqual({ commands: [], steps: [], missing: [] });
  });

  it('is named where no record says whose address that is, or no guest gets the answer', () => {
    expect(copied([entry('10.0.0.9', c)])).toMatchObject({
      steps: [],
      missing: [`the answer ${c} of br0 for 10.0.0.9: no record says whose address that is`],
    });
    const silent = { ...endpoints, a: { ...endpoints.a, settings: { neigh_suppress: 'on' } } };
    expect(copied([entry('10.0.0.2', c)], silent)).toMatchObject({
      steps: [],
      missing: [`the answer ${c} of br0 for 10.0.0.2: no third guest is given it`],
    });
  });

  it('says of no guest what its address is, if it is static or another record says otherwise', () => {
    const known = [
      { address: '10.0.0.2', mac: c },
      { address: '10.0.0.3', mac: c },
    ];
    const records = [{ address: '10.0.0.3', mac: b }];
    expect(addressesBeside({ neighbours: [entry('10.0.0.2', c, true)] }, known, [])).toEqual([known[1]]);
    expect(addressesBeside({ neighbours: [entry('10.0.0.2', c)] }, known, records)).toEqual([known[0], ...records]);
    expect(addressesBeside({}, known, records)).toEqual([...known, ...records]);
  });
});
