import { linkNamed, entriesOn } from '../../bridge/host.js';
import { comparedEntry, comparedMember, comparedVlan, type Compared, factOf } from '../../bridge/compare.js';
import { isOn, isSameSetting } from '../../bridge/setting-value.js';
import type { Change, ChangeOf } from '../../model/fabric.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { PortVlan } from '../../model/scenario.js';
import type { FdbState, HostState, LinkState, StepStates } from '../../model/state.js';
import { type SettingChange, vlanList } from '../../model/timeline.js';
import { commandReach } from './intervals.js';
import type { StepFacts } from './step-facts.js';
import { agesByTopology, isStepLink, rootTimers } from './unchanged.js';
import { given, namesIn } from '../../text/collections.js';

type Shown = ChangeOf<'set' | 'sysctl' | 'vlan' | 'fdb' | 'mdb'>;

function isShown(change: Change): change is Shown {
  switch (change.kind) {
    case 'set':
    case 'sysctl':
      return true;
    case 'vlan':
      return change.ovs !== true;
    case 'fdb': // a guest that sends brings a removed entry back
      return change.ovs !== true && change.act === 'add' && change.entry.state !== 'dynamic';
    case 'mdb':
      return change.act === 'add';
    case 'ovs-set':
    case 'fdb-flush':
    case 'mirror':
    case 'start':
    case 'stop':
    case 'run':
      return false;
  }
}

function deviceOf(change: Shown): string | null {
  switch (change.kind) {
    case 'set':
      return change.device;
    case 'sysctl':
      return null;
    case 'vlan':
    case 'fdb':
    case 'mdb':
      return change.entry.port;
  }
}

/** A port has one VLAN for untagged frames: a new one replaces it. */
function overridesVlan(later: PortVlan, earlier: PortVlan): boolean {
  const overlap = later.first <= earlier.last && earlier.first <= later.last;
  return later.port === earlier.port && (overlap || (later.pvid && earlier.pvid));
}

function overrides(later: Shown, earlier: Shown): boolean {
  if (later.kind === 'set' && earlier.kind === 'set')
    return later.device === earlier.device && later.place === earlier.place && later.key === earlier.key;
  if (later.kind === 'sysctl' && earlier.kind === 'sysctl') return later.name === earlier.name;
  if (later.kind === 'vlan' && earlier.kind === 'vlan') return overridesVlan(later.entry, earlier.entry);
  if (later.kind === 'fdb' && earlier.kind === 'fdb')
    return later.entry.mac === earlier.entry.mac && later.entry.vlan === earlier.entry.vlan;
  return false;
}

function withChange(inForce: readonly Shown[], change: Change, ports: ReadonlyMap<string, string>): readonly Shown[] {
  if (change.kind === 'run') {
    const reach = commandReach([change.argv]);
    return inForce.filter(
      (earlier) => !reach.has(earlier.kind === 'sysctl' || earlier.kind === 'vlan' ? earlier.kind : 'links'),
    );
  }
  if (change.kind === 'stop' || change.kind === 'start')
    return inForce.filter((earlier) => deviceOf(earlier) !== ports.get(change.endpoint));
  if (!isShown(change)) return inForce;
  return [...inForce.filter((earlier) => !overrides(change, earlier)), change];
}

/** Link settings stay for later steps. Other changes of earlier steps may go by consequences. */
function changesInForce({ steps, endpoints }: Plan, step: StepPlan): readonly Shown[] {
  const ports = new Map(endpoints.flatMap(({ name, port }) => (port === null ? [] : [[name, port] as const])));
  let inForce: readonly Shown[] = [];
  for (const { index, changes, during } of steps.slice(0, step.index + 1)) {
    for (const change of changes) inForce = withChange(inForce, change, ports);
    if (index === step.index) break;
    const reach = commandReach(during.flatMap(({ run }) => run));
    inForce = inForce.filter((earlier) => earlier.kind === 'set' && !reach.has('links'));
  }
  return inForce;
}

/**
 * With spanning tree the kernel and the root bridge set timers and ageing (br_stp_start, br_config_bpdu,
 * __br_set_topology_change, net/bridge).
 */
function isSteered({ place, key }: ChangeOf<'set'>, link: LinkState): boolean {
  if (place !== 'bridge') return false;
  return rootTimers.includes(key) ? isOn(link.bridge?.['stp_state']) : key === 'ageing_time' && agesByTopology(link);
}

function comparedSetting(change: ChangeOf<'set'>, state: HostState): Compared | null {
  const { device, place, key, value } = change;
  const [what, wanted] = [`${device}: ${key}`, String(value)];
  const link = linkNamed(state, device);
  if (link === undefined) return { what, wanted, found: `gone with ${device}` };
  const now = factOf(link, place === 'link' ? key.toUpperCase() : key);
  if (isSteered(change, link) || (now !== null && isSameSetting(place, key, value, now))) return null;
  return { what, wanted, found: now === null ? 'not there' : String(now) };
}

function printedEntry({ mac, master, vlan, state, flags }: FdbState): object {
  return { mac, state, flags, ...given({ master, vlan }) };
}

function comparedIn(state: HostState, change: Shown): Compared | null {
  switch (change.kind) {
    case 'set':
      return comparedSetting(change, state);
    case 'sysctl': {
      const { name, value } = change;
      const now = state.sysctl[name];
      return now === undefined || isSameSetting('link', name, value, now)
        ? null
        : { what: name, wanted: value, found: now };
    }
    case 'vlan':
      return comparedVlan(change, state.vlan);
    case 'fdb':
      return comparedEntry(change, entriesOn(state, change.entry.port).map(printedEntry));
    case 'mdb':
      return comparedMember(change, state.mdb);
  }
}

function heardAs(change: Shown): string | null {
  switch (change.kind) {
    case 'set':
      return change.place === 'link' ? change.key.toUpperCase() : change.key;
    case 'sysctl':
      return change.name;
    case 'vlan':
      return vlanList;
    case 'fdb':
    case 'mdb':
      return null;
  }
}

function wasHeard(change: Shown, state: HostState, heard: readonly SettingChange[]): boolean {
  const device = deviceOf(change);
  const ifindex = device === null ? null : linkNamed(state, device)?.ifindex;
  const what = heardAs(change);
  return heard.some((setting) => setting.ifindex === ifindex && setting.what === what);
}

/**
 * Changes, also earlier lasting ones, that another program undid before the probes. Later undoing shows between
 * snapshots (unchangedReasons), except on foreign links.
 */
export function undoneReasons(
  plan: Plan,
  step: StepPlan,
  { before, after }: StepStates,
  { settingChangesBefore: heard }: Pick<StepFacts, 'settingChangesBefore'>,
): readonly Reason[] {
  if (before === null || after === null) return []; // by unchangedReasons
  const observers = new Map(step.observers.map((observer) => [observer.interface, observer.name]));
  const duringReach = commandReach(step.during.flatMap(({ run }) => run));
  const watched = new Set(namesIn(before.links.filter(isStepLink(step))));
  return changesInForce(plan, step).flatMap((change): readonly Reason[] => {
    const device = deviceOf(change);
    const observer = observers.get(device ?? '') ?? null;
    const say = (text: string): readonly Reason[] => [reason('settings-changed', observer, text)];
    const first = comparedIn(before, change);
    if (first !== null && first.wanted !== first.found)
      return say(`${first.what} was set to ${first.wanted}, is ${first.found} before the probes`);
    if (wasHeard(change, before, heard))
      return say(`${nameOf(change)} was set, then changed and put back before the probes`);
    if (change.kind !== 'set' || watched.has(change.device) || duringReach.has('links')) return [];
    const last = comparedIn(after, change);
    return last === null ? [] : say(`${last.what} was set to ${last.wanted}, is ${last.found} after the probes`);
  });
}

function nameOf(change: Shown): string {
  switch (change.kind) {
    case 'set':
      return `${change.device}: ${change.key}`;
    case 'sysctl':
      return change.name;
    case 'vlan':
    case 'fdb':
    case 'mdb':
      return `${change.entry.port}: ${change.kind}`;
  }
}
