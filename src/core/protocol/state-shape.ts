import { z } from 'zod';

/** Settings by name: there are thirty for each of a thousand ports, so that no schema is asked for each. */
export const scalarsShape = z.custom<Readonly<Record<string, string | number | boolean>>>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    Object.values(value).every(
      (setting) => typeof setting === 'string' || typeof setting === 'boolean' || Number.isFinite(setting),
    ),
  'expected a map to texts, numbers and truth values',
);

const text = z.string();
const texts = z.array(text);
const number = z.number();
const wholeNumber = z.int();
const flag = z.boolean();
const anything = z.record(text, z.unknown());
const seconds = z.number().min(0);

const ovs = z.looseObject({
  bridges: z.array(
    z.looseObject({
      name: text,
      columns: anything,
      flows: texts,
      cookies: texts.optional(),
      groups: texts.optional(),
      meters: texts.optional(),
      controllers: z.array(z.looseObject({ pid: number, name: text })).optional(),
      traces: z.array(z.looseObject({ frame: text, text })).optional(),
    }),
  ),
  ports: z.array(
    z.looseObject({
      name: text,
      bridge: text,
      columns: anything,
      ofport: number.nullable().optional(),
      type: text.optional(),
      config: texts,
    }),
  ),
  mirrors: z.array(
    z.looseObject({
      name: text,
      bridge: text,
      outputPort: text.nullable(),
      ports: texts.nullable(),
      leaving: texts.optional(),
      filter: text.optional(),
      vlans: z.array(number).optional(),
      outputVlan: number.optional(),
      snaplen: number.optional(),
    }),
  ),
  ovnBridge: text.optional(),
  daemon: z.looseObject({ pid: number }).nullable().optional(),
});

const family = z.looseObject({ rules: z.array(anything), routes: z.array(anything) });

/** A packet socket, as `PacketSocket` has it. */
export const packetSocketShape = z.looseObject({
  inode: text,
  ifindex: number,
  protocol: text,
  holders: z.array(z.looseObject({ pid: number, name: text })),
  own: flag,
  filter: text
    .regex(/^([0-9a-f]{16})+$/)
    .nullable()
    .optional(),
  cooked: z.literal(true).optional(),
  promiscuous: z.array(wholeNumber).optional(),
});

/** State without names that are unique across hosts. */
const ofHost = {
  packetSockets: z.array(packetSocketShape).nullable().optional(),
  packetHandlers: z
    .array(
      z.looseObject({
        type: text,
        device: text.nullable(),
        function: text,
        program: z.looseObject({ id: wholeNumber, name: text, tag: text, place: text }).optional(),
      }),
    )
    .optional(),
  sharedTaps: z.record(text, z.array(z.looseObject({ pid: number, name: text }))).optional(),
  waiting: z.array(z.looseObject({ device: text, discipline: text, frames: number })).optional(),
  logGroups: z.array(z.number()).optional(),
  neighbours: z.array(z.looseObject({ address: text, mac: text, device: text, isStatic: flag })).optional(),
  hardware: z.record(text, z.array(text)).optional(),
  legacyTables: z
    .array(
      z.looseObject({
        program: z.enum(['iptables-legacy', 'ip6tables-legacy', 'ebtables-legacy']),
        table: text,
        rules: z.number(),
        targets: z.array(text).nullable(),
        matches: z.array(text).optional(),
        copies: z
          .array(z.looseObject({ chain: text, number: z.number(), matches: z.array(text), gateway: text }))
          .optional(),
      }),
    )
    .optional(),
  routing: z
    .looseObject({
      ipv4: family,
      ipv6: family,
      vrfs: z.record(text, text).optional(),
      policies: z.array(z.looseObject({ src: text, dst: text, more: text })).optional(),
    })
    .optional(),
};

const programs = z.array(z.looseObject({ device: text, place: text, id: number }));

/** What passed between two snapshots. */
export const passingShape = z.object({
  packetSockets: z.array(packetSocketShape),
  packetHandlers: ofHost.packetHandlers.unwrap(),
  sharedTaps: ofHost.sharedTaps.unwrap(),
  logGroups: ofHost.logGroups.unwrap(),
  legacyTables: ofHost.legacyTables.unwrap(),
  programs,
});

/** A file of state/. What iproute2 and nft print stays as they print it, and is read as such. */
export const stateShape = z.looseObject({
  links: z.array(
    z.looseObject({
      name: text,
      ifindex: wholeNumber,
      mac: text,
      mtu: number,
      flags: texts,
      operstate: text,
      master: text.nullable(),
      promiscuity: number.nullable(),
      lower: text.optional(),
      peer: number.optional(),
      vni: number.optional(),
      vteps: texts.optional(),
      mode: text.optional(),
      queues: number.optional(),
      queuesOff: number.optional(),
      vlanId: wholeNumber.optional(),
      xdp: text.optional(),
      switchId: text.optional(),
      kind: text.nullable(),
      sysFlags: number.nullable(),
      bridge: scalarsShape.nullable(),
      port: scalarsShape.nullable(),
    }),
  ),
  fdb: z.array(
    z.looseObject({
      mac: text,
      port: text,
      master: text.nullable(),
      vlan: number.nullable(),
      state: text,
      flags: texts,
      dst: text.optional(),
      usedS: seconds.nullable(),
      updatedS: seconds.nullable(),
    }),
  ),
  sysctl: z.record(text, text),
  ovs: ovs.optional(),
  programs: programs.nullable(),
  earPrograms: z.array(z.looseObject({ device: text, space: text, id: number })).optional(),
  behind: z.array(z.looseObject({ bridge: text, mac: text, address: text.optional() })).optional(),
  drops: z.looseObject({ devices: z.record(text, number), backlog: number }).nullable(),
  ...ofHost,
  apart: z.record(text, z.looseObject(ofHost)).optional(),
  unread: z.array(z.looseObject({ what: text, why: text })),
});
