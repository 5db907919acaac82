import { isOnPort, placeOf, sharesMac } from '../model/attach.js';
import {
  type Control,
  type Flows,
  type FrameSpec,
  isHexForm,
  type Observer,
  phases,
  type TrafficPlan,
} from '../model/plan.js';
import type { Carrier, Endpoint, Mac, ProbeClassName } from '../model/scenario.js';
import { documentation, documentationPair, familyOf } from '../probe/addresses.js';
import { leastSizeOf } from '../probe/frames/frame.js';
import { leastSize } from '../probe/frames/plain.js';
import { kindsOfFlows } from './flows/shortcuts.js';
import { receiveControlMac, type IngressControl, rawControl } from './ingress-controls.js';

export interface ControlInput {
  readonly flows: Flows;
  readonly traffic: readonly TrafficPlan[];
  readonly observers: readonly Observer[];
  readonly endpoints: ReadonlyMap<string, Endpoint>;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  /** True if the capture filter distinguishes source MACs: then an ear has to be proved for each of them. */
  readonly filtersByMac: boolean;
  readonly firstToken: number;
  /** On a host, what is sent at an uplink leaves the machine; so does what is sent at a tunnel. */
  readonly onHost: boolean;
  /** Classes whose probes may make the kernel close their sender's port. */
  readonly closing: readonly ProbeClassName[];
  /** Endpoints that are alike by design: a filter of sources that one has, the others have. */
  readonly compared: ReadonlySet<string>;
  /** What proves that observers hear what their guests send. */
  readonly ingress: readonly IngressControl[];
  /**
   * Bridges on which a tagged frame for the bridge itself may be flooded, or not arrive: Open vSwitch, VLAN filtering.
   */
  readonly untaggedOnly: readonly string[];
  /** Bridges whose own device is down. */
  readonly devicesDown: readonly string[];
}

/**
 * The forms in which frames reach an observer: source MAC, carrier, tags and length. A filter that is deaf to a probe
 * is deaf to the control of its form.
 */
function receiveForms(input: ControlInput): readonly FrameSpec[] {
  const forms = new Map<string, FrameSpec>();
  let last: FrameSpec | null = null;
  const add = (frame: FrameSpec): void => {
    // Of a million flows most look like the one before.
    if (
      last !== null &&
      last.carrier === frame.carrier &&
      last.form === frame.form &&
      last.vlan === frame.vlan &&
      last.size === frame.size &&
      last.srcMac === frame.srcMac
    )
      return;
    last = frame;
    const srcMac = input.filtersByMac ? frame.srcMac : receiveControlMac.src;
    const key = `${frame.carrier} ${frame.form ?? ''} ${frame.vlan.join()} ${frame.size} ${srcMac}`;
    if (forms.has(key)) return;
    const [srcIp, dstIp] = isHexForm(frame.form) ? [frame.srcIp, frame.dstIp] : documentationPair(frame.carrier);
    // No rule is to take a control for what it selects
    const { fields: _fields, ...plain } = frame;
    const form: FrameSpec = { ...plain, srcMac, dstMac: receiveControlMac.dst, srcIp, dstIp };
    forms.set(key, form);
  };
  for (const flow of kindsOfFlows(input.flows)) if (flow.judged) add(flow.frame);
  for (const { from, to } of input.traffic) {
    for (const mac of [from, to].flatMap((name) => input.endpoints.get(name)?.macs.slice(0, 1) ?? [])) {
      add(rawControl(mac));
      add({ ...rawControl(mac), carrier: 'ipv4-udp', size: Math.max(60, leastSize('ipv4-udp', 0)) });
    }
  }
  if (forms.size === 0) add(rawControl(receiveControlMac.src));
  return [...forms.values()];
}

interface Senders {
  readonly senders: ReadonlySet<string>;
  /** Those whose port no guard may close: entry is proved for the others right before the probes only. */
  readonly staying: ReadonlySet<string>;
}

function sendersOf({ flows, closing }: ControlInput): Senders {
  const senders = new Set<string>();
  const staying = new Set<string>();
  for (const flow of kindsOfFlows(flows)) {
    // An owner that announces itself at the end proves nothing, and must not speak before.
    if (flow.purpose === 'restore') continue;
    senders.add(flow.sender);
    if (!closing.includes(flow.class)) staying.add(flow.sender);
  }
  return { senders, staying };
}

/**
 * A frame as the guest's own traffic is, which a filter of sources passes: ARP or a packet from its address, if it has
 * one, else a raw frame.
 */
function ownFrame({ ips }: Endpoint, srcMac: Mac, dstMac: Mac): FrameSpec {
  const raw = rawControl(srcMac, dstMac);
  const [address] = [...ips].sort((a, b) => a.family - b.family);
  if (address === undefined) return raw;
  const carrier = address.family === 4 ? 'arp' : 'ipv6-udp';
  const spec = { ...raw, carrier, srcIp: address.address, dstIp: silentAddress(carrier) } as const;
  return { ...spec, size: Math.max(raw.size, leastSizeOf(spec)) };
}

function entryControl(
  { endpoints, bridgeMacs, onHost, devicesDown }: ControlInput,
  sender: string,
  deviceOf: ReadonlyMap<string, Observer>,
): Omit<Control, 'index' | 'phase'> | null {
  const endpoint = endpoints.get(sender);
  if (endpoint === undefined || sharesMac(endpoint.attach) || (onHost && !isOnPort(endpoint.attach))) return null;
  const device = deviceOf.get(endpoint.bridge);
  const srcMac = endpoint.macs[0];
  if (devicesDown.includes(endpoint.bridge)) return neighbourControl(endpoint, endpoints);
  const dstMac = bridgeMacs[endpoint.bridge];
  if (device === undefined || dstMac === undefined || srcMac === undefined) return null;
  return { kind: 'entry', observer: device.name, sender, frame: ownFrame(endpoint, srcMac, dstMac) };
}

function neighbourControl(
  endpoint: Endpoint,
  endpoints: ControlInput['endpoints'],
): Omit<Control, 'index' | 'phase'> | null {
  const next = neighbourOf(endpoint, endpoints);
  const [srcMac, dstMac] = [endpoint.macs[0], next?.macs[0]];
  if (next === undefined || srcMac === undefined || dstMac === undefined) return null;
  return { kind: 'entry', observer: next.name, sender: endpoint.name, frame: ownFrame(endpoint, srcMac, dstMac) };
}

function neighbourOf({ name, bridge, vlans }: Endpoint, endpoints: ControlInput['endpoints']): Endpoint | undefined {
  const isAlike = (endpoint: Endpoint): boolean =>
    endpoint.bridge === bridge &&
    endpoint.role === 'guest' &&
    placeOf(endpoint.attach) === 'port' &&
    endpoint.macs.length > 0 &&
    JSON.stringify(endpoint.vlans) === JSON.stringify(vlans);
  const alike = [...endpoints.values()].filter((endpoint) => endpoint.name === name || isAlike(endpoint));
  const next = alike[(alike.findIndex((endpoint) => endpoint.name === name) + 1) % alike.length];
  return next?.name === name ? undefined : next;
}

/**
 * Destinations of entry controls by carrier, so that the host's stack drops them without an answer: nobody answers UDP,
 * TCP or ICMP to the limited broadcast (icmp_send, tcp_v4_rcv of net/ipv4) or to a multicast group that it has not
 * joined (ip6_mc_input, net/ipv6), and ARP for a multicast address is not a request (arp_process, net/ipv4/arp.c). None
 * is routed.
 */
const silentAddresses = { ipv4: '255.255.255.255', ipv6: 'ff02::7669', arp: '224.0.0.1' } as const;

function silentAddress(carrier: Carrier): string | null {
  if (carrier === 'arp') return silentAddresses.arp;
  const family = familyOf(carrier);
  if (family === null) return null;
  return family === 4 ? silentAddresses.ipv4 : silentAddresses.ipv6;
}

/** The form of a probe as far as an entry control has it: tags and carrier. */
export function entryFormKey({ sender, frame }: { readonly sender: string | null; readonly frame: FrameSpec }): string {
  return [sender ?? '', frame.form === '802.1ad' ? 'ad' : '', frame.vlan.join(), frame.carrier].join('|');
}

/**
 * One frame for each sender, tag stack and carrier of the judged probes, but for the one that the entry control has: as
 * `entryControl`, with the sender's own addresses where it has some.
 */
function entryForms(
  input: ControlInput,
  devices: ReadonlySet<string>,
  controlOf: (sender: string) => Omit<Control, 'index' | 'phase'> | null,
): readonly Omit<Control, 'index' | 'phase'>[] {
  const byForm = new Map<string, Omit<Control, 'index' | 'phase'>>();
  for (const { judged, purpose, sender, frame } of kindsOfFlows(input.flows)) {
    const key = entryFormKey({ sender, frame });
    const endpoint = judged && purpose === undefined ? input.endpoints.get(sender) : undefined;
    if (endpoint === undefined || byForm.has(key) || !takesForm(input, endpoint, frame)) continue;
    const plain = controlOf(sender);
    // A guest is spared what only says which forms enter
    if (plain !== null && devices.has(plain.observer) && entryFormKey(plain) !== key)
      byForm.set(key, { ...plain, kind: 'entry-form', frame: entryForm(plain.frame, frame, endpoint) });
  }
  return [...byForm.values()];
}

/**
 * ARP from an address that the sender does not have, to its bridge, which takes it for no request: whether a filter of
 * sources stands at its port.
 */
function spoofControl(
  { compared, endpoints }: ControlInput,
  plain: Omit<Control, 'index' | 'phase'>,
): Omit<Control, 'index' | 'phase'> | null {
  const endpoint = endpoints.get(plain.sender ?? '');
  if (endpoint === undefined || !compared.has(endpoint.name) || !isOnPort(endpoint.attach)) return null;
  const isKnown = (address: string): boolean =>
    [...endpoints.values()].some(({ ips }) => ips.some((ip) => ip.address === address));
  const srcIp = [documentation.spoofed4, ...documentation.ipv4].find((address) => !isKnown(address));
  if (srcIp === undefined) return null;
  const spec = { ...plain.frame, carrier: 'arp', srcIp, dstIp: silentAddress('arp') } as const;
  return { ...plain, kind: 'entry-spoof', frame: { ...spec, size: Math.max(60, leastSizeOf(spec)) } };
}

function withSpoof(
  input: ControlInput,
  control: Omit<Control, 'index' | 'phase'> | null,
  phase: Control['phase'],
): readonly Omit<Control, 'index'>[] {
  if (control === null) return [];
  const spoof = phase === 'before' ? spoofControl(input, control) : null;
  return [control, ...(spoof === null ? [] : [spoof])].map((each) => ({ ...each, phase }));
}

function takesForm({ untaggedOnly }: ControlInput, { attach, tunnel, bridge }: Endpoint, { vlan }: FrameSpec): boolean {
  return isOnPort(attach) && tunnel === undefined && !(vlan.length > 0 && untaggedOnly.includes(bridge));
}

function entryForm(plain: FrameSpec, { carrier, vlan, form, srcIp }: FrameSpec, { ips }: Endpoint): FrameSpec {
  const family = familyOf(carrier);
  const spec: FrameSpec = {
    ...plain,
    carrier,
    vlan,
    srcIp: family === null ? null : (ips.find((ip) => ip.family === family)?.address ?? srcIp),
    dstIp: silentAddress(carrier),
    ...(form === '802.1ad' ? { form } : {}),
  };
  return { ...spec, size: Math.max(plain.size, leastSizeOf(spec)) };
}

/** To a guest that shares its MAC the lower device hands packets by their address, and no other frames. */
function packetForms({ macs: [mac], ips }: Endpoint, forms: readonly FrameSpec[]): readonly FrameSpec[] {
  if (mac === undefined) return [];
  const packets = forms.flatMap((form) => {
    const family = familyOf(form.carrier);
    const address = form.carrier === 'arp' ? undefined : ips.find((ip) => ip.family === family)?.address;
    return address === undefined ? [] : [{ ...form, dstMac: mac, dstIp: address }];
  });
  const [ip] = ips;
  if (packets.length > 0 || ip === undefined) return packets;
  const carrier = ip.family === 4 ? 'ipv4-udp' : 'ipv6-udp';
  const [srcIp] = documentationPair(carrier);
  const plain: FrameSpec = { ...rawControl(receiveControlMac.src, mac), carrier, srcIp, dstIp: ip.address };
  return [{ ...plain, size: Math.max(60, leastSize(carrier, 0)) }];
}

function formsFor(
  observer: Observer,
  forms: readonly FrameSpec[],
  { endpoints, bridgeMacs, onHost }: ControlInput,
  sendersMacs: readonly Mac[],
): readonly FrameSpec[] {
  const leaves = observer.role === 'uplink' && (onHost || endpoints.get(observer.name)?.tunnel !== undefined);
  if (leaves) return uplinkForms(observer, forms, endpoints.values(), bridgeMacs[observer.bridge], sendersMacs);
  const guest = endpoints.get(observer.name);
  if (guest !== undefined && sharesMac(guest.attach)) return packetForms(guest, forms);
  // A lower device hands unicast to the guest that has the MAC
  const [ownMac] = observer.place === 'above' ? observer.macs : [];
  return ownMac === undefined ? forms : forms.map((form) => ({ ...form, dstMac: ownMac }));
}

/**
 * The controls of a step. Ear: sent on the observer's own interface towards the guest, which the bridge never sees; or,
 * with a sender, from the guest's side (ingress-controls.ts). Entry: from the sender, with its rightful MAC, to the
 * bridge's own MAC, which the bridge device receives without being promiscuous; it crosses `isolated` and refreshes
 * only what the probes refresh anyway (facts measured on Linux 6.18); with them those in the forms of the probes. None
 * on a host for what is behind the bridge device: where the bridge carries the MAC of its NIC, such a frame would leave
 * through that NIC (br_dev_xmit finds the entry on its port). There each probe proves its own entry, by leaving through
 * the device.
 */
export function controlsOf(input: ControlInput): readonly Control[] {
  const controls: Control[] = [];
  const add = (control: Omit<Control, 'index'>): void => {
    controls.push({ ...control, index: input.firstToken + controls.length });
  };
  const forms = receiveForms(input);
  const { senders, staying } = sendersOf(input);
  const sendersMacs = [...senders].flatMap((name) => input.endpoints.get(name)?.macs.slice(0, 1) ?? []);
  const deviceOf = new Map(
    input.observers.filter(({ place }) => place === 'bridge').map((observer) => [observer.bridge, observer]),
  );
  const entryOf = (sender: string): ReturnType<typeof entryControl> => entryControl(input, sender, deviceOf);
  const probeForms = entryForms(input, new Set([...deviceOf.values()].map(({ name }) => name)), entryOf);
  for (const phase of phases) {
    for (const observer of input.observers) {
      if (observer.place === 'bridge') continue;
      for (const frame of formsFor(observer, forms, input, sendersMacs))
        add({ kind: 'ear', phase, observer: observer.name, sender: null, frame });
    }
    for (const {
      observer: { name },
      frame,
    } of input.ingress)
      add({ kind: 'ear', phase, observer: name, sender: name, frame });
    for (const sender of senders) {
      if (phase !== 'before' && !staying.has(sender)) continue;
      for (const control of withSpoof(input, entryOf(sender), phase)) add(control);
    }
    // Twice is enough: they are not proof, but say what does not enter
    if (phase === 'between') continue;
    for (const control of probeForms)
      if (phase === 'before' || staying.has(control.sender ?? '')) add({ ...control, phase });
  }
  return controls;
}

/**
 * Ear controls at a host's uplink leave its NIC. So that the switch there learns nothing wrong and sees no new station,
 * their source is a guest of the bridge or the bridge itself, never who lives beyond the uplink; their destination is
 * the bridge, which the switch knows on the port that they come from and so sends them nowhere. `senders`: MACs of who
 * sends in the step.
 */
export function uplinkForms(
  observer: Observer,
  forms: readonly FrameSpec[],
  endpoints: Iterable<Endpoint>,
  bridgeMac: Mac | undefined,
  senders: readonly Mac[],
): readonly FrameSpec[] {
  if (bridgeMac === undefined) return [];
  const guestMacs = new Set(
    [...endpoints]
      .filter(({ bridge, role }) => bridge === observer.bridge && role === 'guest')
      .flatMap(({ macs }) => macs),
  );
  // Who sends in this step is known out there, or will be; a filter by MAC lets it through, as it does the bridges
  const source = senders.find((mac) => guestMacs.has(mac)) ?? bridgeMac;
  const fitting = forms.map((form) => ({
    ...form,
    srcMac: guestMacs.has(form.srcMac) ? form.srcMac : source,
    dstMac: bridgeMac,
  }));
  return [...new Map(fitting.map((form) => [JSON.stringify(form), form])).values()];
}
