import type { Found, FoundScenario } from '../../../src/core/discover/found-scenario.js';
import { type TwinInput, twinScenario } from '../../../src/core/discover/twin/scenario.js';
import type { Settings } from '../../../src/core/model/scenario.js';
import type { Setting } from '../../../src/core/model/settings.js';
import type { FdbState, HostState, LinkState } from '../../../src/core/model/state.js';
import { hostState } from '../judge/perfect-run.js';
import { learnedAt, setLink } from '../link-state.js';

/** What a new bridge or port has. */
export const defaultsOf = (settings: readonly Setting[]): Settings =>
  Object.fromEntries(settings.flatMap(({ key, default: value }) => (value === undefined ? [] : [[key, value]])));
export const macOf = (at: number): string => `52:54:00:00:00:0${at}`;
export const change = (state: HostState, name: string, over: Partial<LinkState>): HostState =>
  setLink(name, over)(state);
export const plain = change(hostState(), 'br0', { bridge: { ageing_time: 30_000, vlan_default_pvid: 1 } });
export const entry = (mac: string, port: string, over: Partial<FdbState> = {}): FdbState =>
  learnedAt(mac, port, { state: 'dynamic', ...over });
export const endpoints: FoundScenario['topology']['endpoints'] = {
  g0: { bridge: 'br0', port: 'p0', mac: macOf(1), ip: '10.0.0.1/24' },
  g1: { bridge: 'br0', port: 'p1', mac: macOf(2) },
  g2: { bridge: 'br0', port: 'p2', mac: macOf(3), vlans: [{ vid: 99 }] },
  nic: { bridge: 'br0', port: 'p3', role: 'uplink', mac: '00:11:22:33:44:55' },
};
export const found = (over: Partial<FoundScenario['topology']['endpoints']> = {}): Found => {
  const written: Record<string, FoundScenario['topology']['endpoints'][string]> = {};
  for (const [name, endpoint] of Object.entries({ ...endpoints, ...over }))
    if (endpoint !== undefined) written[name] = endpoint;
  return {
    scenario: {
      version: 1,
      name: 'host-br0',
      topology: { provider: 'host', bridges: { br0: {} }, endpoints: written },
      steps: [{ name: 'asked' }],
      policy: [{ within: 'zone:*', expect: 'private' }],
    },
    notes: [],
    origins: {},
    sentences: [],
  };
};
export const input = (over: Partial<TwinInput> = {}): TwinInput => ({
  discovered: found(),
  state: plain,
  bridge: 'br0',
  addresses: [],
  neighbours: [],
  hasRules: false,
  keepers: [],
  missing: [],
  classes: [],
  ...over,
});
export const link = (state: HostState, name: string): LinkState => {
  const link = state.links.find((each) => each.name === name);
  if (link === undefined) throw new Error('the fixture has changed');
  return link;
};
interface Step {
  readonly name?: string;
  readonly probe?: readonly { readonly class?: string }[];
}
export const steps = (over: Partial<TwinInput> = {}): readonly Step[] => twinScenario(input(over)).scenario.steps;
export const classes = (over: Partial<TwinInput> = {}): readonly (string | undefined)[] =>
  steps(over).map(({ name, probe }) => probe?.[0]?.class ?? name);
