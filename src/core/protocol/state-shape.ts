import { socketProcess } from '../model/packet-socket.js';
import { settings } from '../model/scenario.js';
import type { HostState, LinkedDevice, PassingCarriers } from '../model/state.js';
import {
  anything,
  type Codec,
  count,
  flag,
  mapOf,
  matching,
  maybe,
  misfitOf,
  number,
  oneOf,
  only,
  orNull,
  type Shape,
  text,
  whole,
} from '../model/shape/shape.js';

function kept<T>(shape: Shape): Codec<T> {
  return (value) => misfitOf(shape, value);
}

const columns = mapOf(anything);
const seconds = orNull(only(number, 'a number from 0', (value) => value >= 0));

const ovs = {
  bridges: [
    {
      name: text,
      columns,
      flows: [text],
      cookies: maybe([text]),
      groups: maybe([text]),
      meters: maybe([text]),
      controllers: maybe([socketProcess]),
      traces: maybe([{ frame: text, text }]),
    },
  ],
  ports: [{ name: text, bridge: text, columns, ofport: maybe(orNull(number)), type: maybe(text), config: [text] }],
  mirrors: [
    {
      name: text,
      bridge: text,
      outputPort: orNull(text),
      ports: orNull([text]),
      leaving: maybe([text]),
      filter: maybe(text),
      vlans: maybe([number]),
      outputVlan: maybe(number),
      snaplen: maybe(number),
    },
  ],
  ovnBridge: maybe(text),
  daemon: maybe(orNull({ pid: number })),
};

const family = { rules: [columns], routes: [columns] };

export const packetSockets = [
  {
    inode: text,
    ifindex: number,
    protocol: text,
    holders: [socketProcess],
    own: flag,
    filter: maybe(orNull(matching(/^([0-9a-f]{16})+$/))),
    cooked: maybe(oneOf(true)),
    promiscuous: maybe([whole]),
  },
];
const packetHandlers = [
  {
    type: text,
    device: orNull(text),
    function: text,
    program: maybe({ id: whole, name: text, tag: text, place: text }),
  },
];
const sharedTaps = mapOf([socketProcess]);
const logGroups = [number];
const legacyTables = [
  {
    program: oneOf('iptables-legacy', 'ip6tables-legacy', 'ebtables-legacy'),
    table: text,
    rules: number,
    targets: orNull([text]),
    matches: maybe([text]),
    copies: maybe([{ chain: text, number, matches: [text], gateway: text }]),
  },
];
const ofHost = {
  packetSockets: maybe(orNull(packetSockets)),
  packetHandlers: maybe(packetHandlers),
  sharedTaps: maybe(sharedTaps),
  waiting: maybe([{ device: text, discipline: text, frames: number }]),
  logGroups: maybe(logGroups),
  neighbours: maybe([{ address: text, mac: text, device: text, isStatic: flag }]),
  hardware: maybe(mapOf([text])),
  legacyTables: maybe(legacyTables),
  routing: maybe({
    ipv4: family,
    ipv6: family,
    vrfs: maybe(mapOf(text)),
    policies: maybe([{ src: text, dst: text, more: text }]),
  }),
};

const programs = [{ device: text, place: text, id: number }];

export const passing = kept<PassingCarriers>({
  packetSockets,
  packetHandlers,
  sharedTaps,
  logGroups,
  legacyTables,
  programs,
});

/** A file of state/. Output of iproute2 and nft stays as printed. */
export const stateShape = kept<HostState>({
  links: [
    {
      name: text,
      ifindex: whole,
      mac: text,
      mtu: number,
      flags: [text],
      operstate: text,
      master: orNull(text),
      promiscuity: orNull(number),
      lower: maybe(text),
      peer: maybe(number),
      vni: maybe(number),
      vteps: maybe([text]),
      mode: maybe(text),
      queues: maybe(number),
      queuesOff: maybe(number),
      vlanId: maybe(whole),
      xdp: maybe(text),
      switchId: maybe(text),
      kind: orNull(text),
      sysFlags: orNull(number),
      bridge: orNull(settings),
      port: orNull(settings),
    },
  ],
  fdb: [
    {
      mac: text,
      port: text,
      master: orNull(text),
      vlan: orNull(number),
      state: text,
      flags: [text],
      dst: maybe(text),
      usedS: seconds,
      updatedS: seconds,
    },
  ],
  sysctl: mapOf(text),
  ovs: maybe(ovs),
  programs: orNull(programs),
  earPrograms: maybe([{ device: text, space: text, id: number }]),
  behind: maybe([{ bridge: text, mac: text, address: maybe(text) }]),
  drops: orNull({ devices: mapOf(number), backlog: number }),
  ...ofHost,
  apart: maybe(mapOf(ofHost)),
  unread: [{ what: text, why: text }],
});

export const linkedDevices = kept<readonly LinkedDevice[]>([
  {
    space: orNull(text),
    name: text,
    ifindex: whole,
    kind: text,
    mac: text,
    lower: orNull(whole),
    master: orNull(whole),
    up: flag,
    mode: maybe(text),
    flag: maybe(oneOf('private', 'vepa')),
    ips: maybe([text]),
    queue: maybe(count),
    spaceId: maybe(text),
    received: maybe(count),
    xdpId: maybe(whole),
  },
]);
