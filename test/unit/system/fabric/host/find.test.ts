import { netnsPath } from '../../../../../src/core/model/fabric.js';
import { expect, it } from 'vitest';
import type { Bridge } from '../../../../../src/core/model/scenario.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';
import { namespaceOf, parseNeighbours } from '../../../../../src/system/fabric/host/find.js';

const scenario = loadScenario(
  'x.yml',
  Buffer.from(
    'version: 1\nname: x\ntopology: { bridges: { br0: {} }, endpoints: { a: { bridge: br0, port: vnet0 }, b: { bridge: br0, port: vnet1 } } }\nsteps: [ { name: s, probe: { class: broadcast, from: a }, expect: unjudged } ]\n',
  ),
);
const bridge = (name: string, netns: string | null): Bridge => {
  const [first] = scenario.topology.bridges;
  if (first === undefined) throw new Error('a bridge');
  return { ...first, name, netns };
};

it('namespaces are paths or names of ip-netns, and bridges live in one', () => {
  expect([null, 'hv', '/proc/1/ns/net'].map(netnsPath)).toEqual([null, '/run/netns/hv', '/proc/1/ns/net']);
  expect(namespaceOf([])).toBeNull();
  expect(namespaceOf([bridge('a', 'hv'), bridge('b', '/run/netns/hv')])).toBe('/run/netns/hv');
  const mixed = (): unknown => namespaceOf([bridge('a', 'hv'), bridge('b', null)]);
  expect(mixed).toThrow(VerifyError);
  expect(mixed).toThrow('a and b are in different network namespaces');
});

it('neighbours are those with a MAC and an address that routers carry', () => {
  expect(
    parseNeighbours([
      { dst: '10.0.0.1', lladdr: '02:00:00:00:00:AA' },
      { dst: 'fe80::1', lladdr: '02:00:00:00:00:ab' },
      { dst: '10.0.0.2' },
      { lladdr: '02:00:00:00:00:ac' },
      null,
      7,
    ]),
  ).toEqual([{ mac: '02:00:00:00:00:aa', address: '10.0.0.1' }]);
  expect(parseNeighbours({})).toEqual([]);
});
