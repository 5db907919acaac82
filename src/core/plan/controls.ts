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
  /** Receive controls are needed for each source MAC of the capture filter. */
  readonly filtersByMac: boolean;
  readonly firstToken: number;
  /** On a host frames sent at an uplink or tunnel leave the machine. */
  readonly onHost: boolean;
  /** Classes whose probes may make the kernel close their sender's port. */
  readonly closing: readonly ProbeClassName[];
  /** Endpoints alike by design: a source filter of one is expected on the others. */
  readonly compared: ReadonlySet<string>;
  /** Controls that observers hear frames of their guests. */
  readonly ingress: readonly IngressControl[];
  /** Bridges that may flood, or not receive, tagged frames for themselves: Open vSwitch, VLAN filtering. */
  readonly untaggedOnly: readonly string[];
  /** Bridges whose own device is down. */
  readonly devicesDown: readonly string[];
}

/** A filter deaf to a form (source MAC, carrier, tags and length) is deaf to its control. */
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
    // No rule may treat a control as the traffic it selects
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

/** Like the guest's own frames, which source filters pass: ARP or a packet from its address, else raw. */
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
 * Destinations of entry controls by carrier, which the host's stack drops silently and does not route: the limited
 * broadcast (icmp_send, tcp_v4_rcv of net/ipv4), a multicast group not joined (ip6_mc_input, net/ipv6), ARP for a
 * multicast address (arp_process, net/ipv4/arp.c).
 */
const silentAddresses = { ipv4: '255.255.255.255', ipv6: 'ff02::7669', arp: '224.0.0.1' } as const;

function silentAddress(carrier: Carrier): string | null {
  if (carrier === 'arp') return silentAddresses.arp;
  const family = familyOf(carrier);
  if (family === null) return null;
  return family === 4 ? silentAddresses.ipv4 : silentAddresses.ipv6;
}

/** Tags and carrier of a probe, as far as entry controls repeat them. */
export function entryFormKey({ sender, frame }: { readonly sender: string | null; readonly frame: FrameSpec }): string {
  return [sender ?? '', frame.form === '802.1ad' ? 'ad' : '', frame.vlan.join(), frame.carrier].join('|');
}

/**
 * As `entryControl`, for each further sender, tag stack and carrier of judged probes, with the sender's addresses if it
 * has some.
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
    // Guests do not get controls that only show which forms enter
    if (plain !== null && devices.has(plain.observer) && entryFormKey(plain) !== key)
      byForm.set(key, { ...plain, kind: 'entry-form', frame: entryForm(plain.frame, frame, endpoint) });
  }
  return [...byForm.values()];
}

/** Detects a source filter: ARP from a foreign address to the bridge, which takes it for no request. */
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

/** To a guest that shares its MAC the lower device hands packets by address, nothing else. */
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
  // A lower device hands unicast to the guest with that MAC
  const [ownMac] = observer.place === 'above' ? observer.macs : [];
  return ownMac === undefined ? forms : forms.map((form) => ({ ...form, dstMac: ownMac }));
}

/**
 * A step's controls. Receive: sent on the observer's interface towards the guest, unseen by the bridge; or with a
 * sender, from the guest's side (ingress-controls.ts). Entry: from the sender's rightful MAC to the bridge's, which the
 * bridge device receives without being promiscuous; it crosses `isolated` and refreshes only what probes refresh
 * (measured on Linux 6.18); also in the probes' forms. A host has none behind the bridge device: if the bridge has its
 * NIC's MAC, such a frame would leave through that NIC (br_dev_xmit finds the entry on its port). There each probe
 * proves its own entry by leaving through the device.
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
    // Twice is enough: they prove nothing, but show which forms do not enter
    if (phase === 'between') continue;
    for (const control of probeForms)
      if (phase === 'before' || staying.has(control.sender ?? '')) add({ ...control, phase });
  }
  return controls;
}

/**
 * Receive controls at a host's uplink leave its NIC. So that the switch there learns nothing wrong or new, their source
 * is a guest or the bridge, never a station beyond; it drops them, as it knows their destination, the bridge, on the
 * arriving port. `senders`: MACs sending in the step.
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
  // Senders of this step are or will be known out there; a MAC filter passes them, as it does the bridges
  const source = senders.find((mac) => guestMacs.has(mac)) ?? bridgeMac;
  const fitting = forms.map((form) => ({
    ...form,
    srcMac: guestMacs.has(form.srcMac) ? form.srcMac : source,
    dstMac: bridgeMac,
  }));
  return [...new Map(fitting.map((form) => [JSON.stringify(form), form])).values()];
}
