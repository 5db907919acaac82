import { linkNamed, portVlans } from '../../bridge/host.js';
import { isOn } from '../../bridge/setting-value.js';
import { isHandedOver } from '../../bridge/view.js';
import { isOnPort } from '../../model/attach.js';
import { bareName } from '../../model/host-names.js';
import { type Control, type FrameSpec, type Observer, phases, type Plan, type StepPlan } from '../../model/plan.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { HeldAtEntry } from '../../model/result.js';
import type { HostState, LinkState, StepStates } from '../../model/state.js';
import { entryFormKey } from '../../plan/controls.js';
import { kindsOfFlows } from '../../plan/flows/shortcuts.js';
import { stateAround } from '../../bridge/states-by-host.js';
import { familyOf } from '../../probe/addresses.js';
import type { StepTally } from '../count/tally.js';
import type { DeliveryInput } from './delivery.js';
import type { StepFacts } from './step-facts.js';
import { findNamed, mapByName } from '../../text/collections.js';
import { actingParts, type NftChain, nftRules, tcFilters } from '../../bridge/rules.js';

/** Probes that do not enter the bridge. */
export interface EntryByForm {
  /** Without a readable explanation in the state. */
  readonly reasons: readonly Reason[];
  /** With a possible explanation in the state. */
  readonly blocked: readonly HeldAtEntry[];
}

export interface EntryByFormInput extends Pick<DeviceEarInput, 'step' | 'states' | 'tally'> {
  readonly plan: Plan;
  readonly facts: StepFacts;
}

const maxForms = 200;

interface Missing {
  readonly sender: string;
  readonly frame: FrameSpec;
  /** False: the bridge filters VLANs, so no control could be sent. */
  readonly isAsked: boolean;
}

function tagsText({ vlan, form }: FrameSpec): string {
  if (vlan.length === 0) return 'untagged';
  return vlan.map((id, at) => `${at === 0 && form === '802.1ad' ? '802.1ad' : '802.1Q'} ${id}`).join(' + ');
}

function heardControls({ step, facts, tally }: EntryByFormInput): {
  readonly missing: Map<string, Missing>;
  readonly tested: ReadonlySet<string>;
  /** Their plain control reached the bridge. For others the forms show nothing. */
  readonly plainSenders: ReadonlySet<string>;
} {
  const missing = new Map<string, Missing>();
  const [tested, arrived, plainSenders] = [new Set<string>(), new Set<string>(), new Set<string>()];
  for (const control of step.controls) {
    const { kind, sender, index, frame } = control;
    if (kind === 'ear' || kind === 'entry-spoof' || sender === null) continue;
    const isSeen = tally.controls.has(index);
    if (kind === 'entry' && isSeen) plainSenders.add(sender);
    if (kind === 'entry') continue;
    const key = entryFormKey(control);
    tested.add(key);
    if (isSeen) arrived.add(key);
    else if (facts.controlsAccepted.has(index)) missing.set(key, { sender, frame, isAsked: true });
  }
  for (const key of arrived) missing.delete(key);
  return { missing, tested, plainSenders };
}

function missingForms(input: EntryByFormInput): readonly Missing[] {
  const { plan, step, tally } = input;
  const { missing, tested, plainSenders } = heardControls(input);
  for (const [key, { sender }] of missing) if (!plainSenders.has(sender)) missing.delete(key);
  const onPort = new Set(plan.endpoints.flatMap(({ name, attach }) => (isOnPort(attach) ? [name] : [])));
  for (const { sender, frame, judged, purpose } of kindsOfFlows(step.flows)) {
    const key = entryFormKey({ sender, frame });
    const isProbe = judged && purpose === undefined && onPort.has(sender);
    if (isProbe && frame.vlan.length > 0 && !tested.has(key)) missing.set(key, { sender, frame, isAsked: false });
  }
  if (missing.size > 0)
    step.flows.some((flow) => {
      const key = entryFormKey(flow);
      if (missing.has(key) && tally.sightings.observersOf(flow).length > 0) missing.delete(key);
      return missing.size === 0;
    });
  return [...missing.values()];
}

type VlanGate = { readonly by: string } | 'unknown' | null;

/** br_allowed_ingress, net/bridge/br_vlan.c. A VLAN without the bridge device hides the entry from controls. */
function vlanGate(state: HostState, port: LinkState, frame: FrameSpec): VlanGate {
  const bridge = linkNamed(state, port.master);
  if (bridge === undefined || !isOn(bridge.bridge?.['vlan_filtering'])) return null;
  const ofPort = portVlans(state, port.name);
  const [tag = 0] = frame.vlan;
  const vid = tag === 0 ? (ofPort?.native ?? null) : tag;
  if (vid === null) return { by: `${port.name} has no VLAN for untagged frames` };
  if (ofPort?.members.has(vid) !== true) return { by: `${port.name} has no VLAN ${vid}` };
  return portVlans(state, bridge.name)?.members.has(vid) === true ? null : 'unknown';
}

function chainsAt(state: HostState, ports: readonly string[], { carrier }: FrameSpec): readonly string[] {
  const { sysctl, legacyTables = [] } = state;
  const family = familyOf(carrier);
  const isByIp =
    carrier !== 'arp' && family !== null && isHandedOver(family === 4 ? 'iptables' : 'ip6tables', {}, sysctl);
  const isForwarded = ports.length > 1; // over a hop
  const hooks = isForwarded ? ['prerouting', 'forward', 'postrouting'] : ['prerouting'];
  const passes = ({ family: of, hook, devices }: NftChain): boolean => {
    if (hook === null) return false;
    if (of === 'bridge') return hooks.includes(hook) || hook === 'input';
    if (hook === 'ingress') return ports.some((port) => devices.includes(port));
    return isByIp && hooks.includes(hook) && (of === 'inet' || of === (family === 4 ? 'ip' : 'ip6'));
  };
  const ipProgram = family === 4 ? 'iptables-legacy' : 'ip6tables-legacy';
  const legacy = legacyTables.filter(
    ({ program, table }) =>
      program === 'ebtables-legacy' || (isByIp && program === ipProgram && (isForwarded || table !== 'filter')),
  );
  const acting = new Set(actingParts(state).map(({ place }) => place));
  const ofNft = [...nftRules(state).chains.values()].flatMap((chain) =>
    passes(chain) && acting.has(chain.place) ? [`nft ${chain.place}`] : [],
  );
  return [...ofNft, ...legacy.map(({ program, table }) => `${program} ${table}`)];
}

function filtersAt(
  state: HostState,
  port: string,
): { readonly read: readonly string[]; readonly programs: readonly string[] } {
  const place = `${port} ingress`;
  const kinds = tcFilters(state).flatMap(({ key, kind }) => (key === place && kind !== null ? [kind] : []));
  return {
    read: kinds.some((kind) => kind !== 'bpf') ? [`tc on ${place}`] : [],
    programs: kinds.includes('bpf') ? [`tc filter bpf on ${place}`] : [],
  };
}

interface AtPort {
  readonly barriers: readonly string[];
  readonly programs: readonly string[];
  /** False: a frame may miss the bridge device, or the switch may drop it for unknown reasons. */
  readonly isShown: boolean;
}

function atPort(state: HostState, port: LinkState, near: string | undefined, frame: FrameSpec): AtPort {
  const gate = vlanGate(state, port, frame);
  const isLocked = isOn(port.port?.['locked']);
  const ports = near === undefined ? [port.name] : [near, port.name];
  const filters = ports.map((name) => filtersAt(state, name));
  const ofSwitch = state.ovs?.bridges.find(({ name }) => name === port.master);
  // one flow is the switch's own: NORMAL
  const flows = ofSwitch !== undefined && ofSwitch.flows.length > 1 ? [`flows of ${ofSwitch.name}`] : [];
  const around = stateAround(port.name, state);
  const chains = chainsAt(around.state, around.host === null ? ports : ports.map(bareName), frame);
  const attached = (state.programs ?? []).filter(
    ({ device, place }) => ports.includes(device) && place !== 'tcx egress',
  );
  return {
    barriers: [
      ...(gate === null || gate === 'unknown' ? [] : [gate.by]),
      ...(isLocked ? [`${port.name}.locked`] : []),
      ...flows,
      ...filters.flatMap(({ read }) => read),
      ...chains.map((chain) => (around.host === null ? chain : `${around.host}: ${chain}`)),
    ],
    programs: [
      ...(port.xdp === undefined ? [] : [`XDP ${port.xdp} at ${port.name}`]),
      ...attached.map(({ device, place, id }) => `BPF program ${id} at ${device} ${place}`),
      ...filters.flatMap(({ programs }) => programs),
    ],
    isShown: gate !== 'unknown' && (ofSwitch === undefined || flows.length > 0),
  };
}

/** Input to judge a bridge device's observer. */
export interface DeviceEarInput extends DeliveryInput {
  readonly tally: StepTally;
}

function snapshotsAt(
  { states, endpoints }: Pick<DeviceEarInput, 'states' | 'endpoints'>,
  control: Control,
): readonly AtPort[] {
  const endpoint = findNamed(endpoints, control.sender);
  return [states.before, states.after].flatMap((state) => {
    const port = state === null ? undefined : linkNamed(state, endpoint?.port);
    return state === null || port === undefined ? [] : [atPort(state, port, endpoint?.hop?.near, control.frame)];
  });
}

/** True if a readable obstacle may stop a control. */
export function isFiltered(of: Pick<DeviceEarInput, 'states' | 'endpoints'>, control: Control): boolean {
  return snapshotsAt(of, control).some(({ barriers }) => barriers.length > 0);
}

function mayBeHeld(input: DeviceEarInput, control: Control): boolean {
  return snapshotsAt(input, control).some(
    ({ barriers, programs, isShown }) => barriers.length > 0 || programs.length > 0 || !isShown,
  );
}

function unprovedDevice({ name, interface: device }: Observer, what: string): Reason {
  return reason('control-missing', name, `${what}: that ${name} (${device}) would hear frames is not proved`);
}

/**
 * Guests' entry controls prove a bridge device: a form that arrived once must arrive in each phase in which it is sent.
 * If none ever did, the state must explain it. Without sending guests nothing can be tested.
 */
export function deviceEarReasons(input: DeviceEarInput, observer: Observer): readonly Reason[] {
  const { step, tally, endpoints } = input;
  if (!observer.judged) return [];
  const controls = step.controls.filter(
    (control) => control.observer === observer.name && ['entry', 'entry-form'].includes(control.kind),
  );
  if (controls.length === 0) {
    const guests = new Set(
      endpoints.flatMap(({ name, bridge, attach }) => (bridge === observer.bridge && isOnPort(attach) ? [name] : [])),
    );
    const isReached = [...kindsOfFlows(step.flows)].some(({ judged, sender }) => judged && guests.has(sender));
    return isReached ? [unprovedDevice(observer, 'no control could be sent to the bridge device')] : [];
  }
  const isHeard = ({ index }: Control): boolean => tally.controls.has(index);
  const heardForms = new Set(controls.filter(isHeard).map((control) => `${control.kind} ${entryFormKey(control)}`));
  const expected = controls.filter(
    (control) => heardForms.size === 0 || heardForms.has(`${control.kind} ${entryFormKey(control)}`),
  );
  const silent = phases.filter(
    (phase) =>
      expected.some((control) => control.phase === phase) &&
      !controls.some((control) => control.phase === phase && isHeard(control)),
  );
  const canBeHeld = heardForms.size === 0 || step.during.length > 0;
  if (silent.length === 0 || (canBeHeld && expected.every((control) => mayBeHeld(input, control)))) return [];
  return [unprovedDevice(observer, `none of its entry controls was received (${silent.join(', ')} the probes)`)];
}

/**
 * VLAN devices get their frames before the bridge. One that is down drops them (vlan_do_receive,
 * net/8021q/vlan_core.c).
 */
function takersOf({ links }: HostState, port: LinkState, vlans: ReadonlySet<number>): readonly LinkState[] {
  if (vlans.size === 0) return [];
  return links.filter(
    ({ kind, lower, vlanId }) => kind === 'vlan' && lower === port.name && vlanId !== undefined && vlans.has(vlanId),
  );
}

function reasonFor({ sender, frame }: Missing, programs: readonly string[]): Reason {
  const what = `no control of ${sender} in the form of its probes (${tagsText(frame)} ${frame.carrier}) was received on the bridge`;
  return reason(
    'entry-unproved',
    sender,
    programs.length === 0
      ? `${what}, and nothing that was read of the host accounts for it`
      : `${what}: ${programs.join(', ')} may keep them out, and what a program does cannot be read`,
  );
}

/**
 * Probes that do not enter the bridge, by sender, tags and carrier: no control of their form arrived, and no observer
 * saw any. VLANs, a locked port, tc and nft rules at the sender's port are named without effect on the verdict: they
 * are part of the isolation. Without these, or with programs only, the step proves nothing about such frames.
 */
export function entryByForm(input: EntryByFormInput): EntryByForm {
  const { plan, states } = input;
  const snapshots = [states.before, states.after].filter((state) => state !== null);
  if (snapshots.length === 0) return { reasons: [], blocked: [] };
  const endpoints = mapByName(plan.endpoints);
  const reasons: Reason[] = [];
  const groups = new Map<string, HeldAtEntry & { readonly from: string[] }>();
  for (const missing of missingForms(input)) {
    const { sender, frame, isAsked } = missing;
    const ports = snapshots.flatMap((state) => {
      const endpoint = endpoints.get(sender);
      const port = linkNamed(state, endpoint?.port);
      return port === undefined
        ? []
        : [
            {
              ...atPort(state, port, endpoint?.hop?.near, frame),
              hasTakers: takersOf(state, port, new Set(frame.vlan.slice(0, 1))).length > 0,
            },
          ];
    });
    const by = [...new Set(ports.flatMap(({ barriers }) => barriers))];
    if (ports.length === 0 || !ports.every(({ isShown }) => isShown) || (!isAsked && by.length === 0)) continue;
    if (by.length === 0) {
      const programs = [...new Set(ports.flatMap((port) => port.programs))];
      if (!ports.some((port) => port.hasTakers)) reasons.push(reasonFor(missing, programs));
      continue;
    }
    const tags = tagsText(frame);
    const key = JSON.stringify([tags, frame.carrier, by]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { from: [sender], tags, carrier: frame.carrier, by });
    else group.from.push(sender);
  }
  return { reasons: reasons.slice(0, maxForms), blocked: [...groups.values()].slice(0, maxForms) };
}

function outerVlans({ flows }: StepPlan): ReadonlyMap<string, ReadonlySet<number>> {
  const bySender = new Map<string, Set<number>>();
  for (const { sender, vlan } of kindsOfFlows(flows)) {
    const vlans = bySender.get(sender) ?? new Set();
    const [outer] = vlan;
    if (outer !== undefined) vlans.add(outer);
    bySender.set(sender, vlans);
  }
  return bySender;
}

function reasonsAt(
  state: HostState,
  sender: string,
  port: LinkState,
  vlans: ReadonlySet<number>,
  injected: boolean,
): readonly Reason[] {
  return [
    ...(injected && port.xdp !== undefined
      ? [
          reason(
            'entry-unproved',
            sender,
            `XDP ${port.xdp} stands at ${port.name}, and injected frames do not meet it: it may treat frames of ${sender} itself otherwise`,
          ),
        ]
      : []),
    ...takersOf(state, port, vlans).map(({ name, vlanId }) =>
      reason(
        'entry-unproved',
        sender,
        `${name} takes or drops frames of VLAN ${vlanId ?? ''} at ${port.name}, before the bridge sees them`,
      ),
    ),
  ];
}

/**
 * Obstacles at a sender's port though every control arrived, or openings that guests' frames lack: an XDP program,
 * which frames redirected by tc bypass, and a VLAN device, which gets tagged frames before the bridge
 * (__netif_receive_skb_core, net/core/dev.c).
 */
export function entryInStateReasons(plan: Plan, step: StepPlan, { before, after }: StepStates): readonly Reason[] {
  const vlans = outerVlans(step);
  const reasons = [before, after].flatMap((state) => {
    if (state === null) return [];
    return plan.endpoints.flatMap(({ name, attach, port, hop, netns }) => {
      const senderVlans = vlans.get(name);
      const link = isOnPort(attach) ? linkNamed(state, hop?.near ?? port) : undefined;
      return senderVlans === undefined || link === undefined
        ? []
        : reasonsAt(state, name, link, senderVlans, plan.provider === 'host' && netns === null);
    });
  });
  return [...new Map(reasons.map((reason) => [reason.text, reason])).values()];
}
