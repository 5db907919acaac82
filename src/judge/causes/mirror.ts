import { bridgeViews } from '../../audit/bridge-view.js';
import { stateAlone } from '../../audit/state-alone.js';
import type { RuleFinding } from '../../core/audit/rule.js';
import { nftMirror, tcMirror, xdp } from '../../core/audit/rules/mirrors.js';
import type { CauseFinder } from '../../core/judge/explain/causes/leak.js';
import type { HostState } from '../../model/state.js';

interface Carriers {
  readonly rules: readonly RuleFinding[];
  readonly programs: readonly RuleFinding[];
  /** The first of the rules that carry frames to a port, by its name. */
  readonly toPort: Map<string, RuleFinding | null>;
}

/**
 * What was found in a state, by bridge: it is asked for once for each leak, and a mesh has thousands. A state is never
 * changed.
 */
const found = new WeakMap<HostState, Map<string, Carriers | null>>();

function carriersOf(state: HostState, bridge: string): Carriers | null {
  const known = found.get(state) ?? new Map<string, Carriers | null>();
  found.set(state, known);
  let carriers = known.get(bridge);
  if (carriers === undefined) {
    const reading = stateAlone(state);
    const view = bridgeViews(reading).find(({ name }) => name === bridge);
    carriers =
      view === undefined
        ? null
        : {
            rules: [...tcMirror(view, reading), ...nftMirror(view, reading)],
            programs: xdp(view, reading),
            toPort: new Map(),
          };
    known.set(bridge, carriers);
  }
  return carriers;
}

function ruleTo(port: string | null, { rules, toPort }: Carriers): RuleFinding | null {
  if (port === null) return rules[0] ?? null;
  const known = toPort.get(port);
  if (known !== undefined) return known;
  const rule = rules.find(({ value }) => value.split(' ').includes(port)) ?? null;
  toPort.set(port, rule);
  return rule;
}

/**
 * A rule carries frames of the bridge's devices to another one (tc-mirred(8), nft(8) dup and fwd), or an XDP program
 * may. The audit finds them; here they explain a leak.
 */
export const mirror: CauseFinder = ({ before, bridge, fromPort, port, to }) => {
  const carriers = carriersOf(before, bridge.name);
  if (carriers === null) return null;
  const near = [fromPort?.name, to?.port, bridge.name];
  const first =
    ruleTo(port?.name ?? null, carriers) ?? carriers.programs.find(({ place }) => near.includes(place.split(' ')[0]));
  return first === undefined
    ? null
    : { place: first.place, value: first.value, text: first.text, fix: first.fix ?? '' };
};
