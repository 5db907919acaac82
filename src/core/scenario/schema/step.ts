import { z } from 'zod';
import { carriers, type SelectedFields } from '../../model/scenario.js';
import { scenarioClasses } from '../../probe/classes.js';
import { plainKeys } from './plain-step-keys.js';
import {
  group,
  interfaceName,
  ipAddress,
  mac,
  name,
  oneOrMany,
  onOff,
  scalar,
  selector,
  selectors,
  selectorsOrNone,
  words,
  time,
  title,
  vid,
  vidOrRange,
  wholeNumber,
} from './values.js';

const seenRule = 'expected none, some, all or a number of frames';
const seenAmount = z.union([z.enum(['none', 'some', 'all']), wholeNumber(0, 4_000_000_000)], {
  error: seenRule,
});
const seenClaim = z
  .strictObject({
    from: name.optional().describe('Rows of this sender.'),
    to: name.optional().describe('Rows to this addressee.'),
    carrier: z
      .enum([...carriers, 'native'])
      .optional()
      .describe('Rows of this carrier; `native`: real traffic.'),
    variant: words.optional().describe('Rows of this kind of frame.'),
    seen: seenAmount.describe('How much it sees of each such row.'),
  })
  .meta({ id: 'claim', description: 'On some rows of one observer.' });
const seenOf = z.union([seenAmount, seenClaim, z.array(seenClaim).min(1, { error: 'expected at least one entry' })]);
export const seen = z.record(selector, seenOf);

const allowance = {
  may_see: selectorsOrNone
    .optional()
    .describe('Observers that may see it without a leak. Default: by class; with traffic or listening, the two ends.'),
  must_see: selectorsOrNone
    .optional()
    .describe(
      'Observers that must see all of it, but for frames that drop counters explain; else `delivery-short`. Default: by class.',
    ),
  seen: seen.optional().describe('Claims, such as `{ kali3: none }`, that hold for every row of the observer.'),
};

const roundsRule = 'expected a round such as 1, or rounds such as "2-4" or "2-"';
const rounds = z
  .union(
    [
      wholeNumber(1, 1_000_000),
      z.string({ error: roundsRule }).regex(/^[1-9]\d{0,5}-([1-9]\d{0,5})?$/, { error: roundsRule }),
    ],
    {
      error: roundsRule,
    },
  )
  .meta({ id: 'rounds', description: 'a round such as `1`, or several: `"2-4"`, `"2-"`' });

/** `gateway-bounce` is an alias of routed-bounce. */
const probeClass = z.enum([...scenarioClasses, 'gateway-bounce']);

/** Fields that a rule may select by, with their largest value. */
const fieldKeys = {
  ether_type: ['etherType', 0xffff],
  protocol: ['protocol', 0xff],
  src_port: ['sourcePort', 0xffff],
  dst_port: ['destinationPort', 0xffff],
  tcp_flags: ['tcpFlags', 0xff],
  icmp_type: ['icmpType', 0xff],
  icmp_code: ['icmpCode', 0xff],
  dscp: ['dscp', 63],
  ttl: ['hopLimit', 0xff],
} as const satisfies Record<string, readonly [keyof SelectedFields, number]>;
type FieldKey = keyof typeof fieldKeys;

const field = (key: FieldKey) => wholeNumber(0, fieldKeys[key][1]).optional();
const fields = z
  .strictObject({
    ether_type: field('ether_type').describe('EtherType, of `raw`.'),
    protocol: field('protocol').describe('Protocol of IP.'),
    src_port: field('src_port').describe('Source port.'),
    dst_port: field('dst_port').describe('Destination port.'),
    tcp_flags: field('tcp_flags').describe('Flags of TCP.'),
    icmp_type: field('icmp_type').describe('Type of ICMP.'),
    icmp_code: field('icmp_code').describe('Code of ICMP.'),
    dscp: field('dscp').describe('Code point.'),
    ttl: field('ttl').describe('TTL or hop limit.'),
  })
  .meta({ id: 'fields', description: 'Fields of a frame by number; its checksum is wrong, so that no stack answers.' });

/** As files write them, and as probes have them. */
export type WrittenFields = z.output<typeof fields>;

export function selectedFields(written: WrittenFields): SelectedFields {
  const named = Object.entries(fieldKeys).flatMap(([key, [name]]) => {
    const value = new Map(Object.entries(written)).get(key);
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(named);
}

export function writtenFields(selected: SelectedFields): WrittenFields {
  const named = Object.entries(fieldKeys).flatMap(([key, [name]]) => {
    const value = selected[name];
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(named);
}

export const probe = z
  .strictObject({
    class: probeClass.describe('What is sent. `gateway-bounce` is an alias of routed-bounce.'),
    from: selectors.describe('Who sends; `"*"`: all.'),
    to: selectors.optional().describe('`"*"`: all others on the same bridge, `"**"`: on every bridge.'),
    via: selectors
      .optional()
      .describe('The sender to the victim, in classes that need one. Default: the uplink, else all others.'),
    rounds: rounds
      .optional()
      .describe('In round k each sender sends to the k-th addressee behind it. Default: all pairs.'),
    both_ways: onOff.optional().describe('Also the other way round, in own rows. Default: off.'),
    count: wholeNumber(1, 10_000_000).optional().describe('Frames for each pair, carrier and tag stack. Default: 100.'),
    rate: wholeNumber(1, 10_000_000)
      .optional()
      .describe('Frames a second for the whole probe. Default: lab, as fast as capture loses nothing; host, 1,000.'),
    carriers: oneOrMany(z.enum(carriers))
      .optional()
      .describe('`raw`: EtherType 0x88b5. Default: raw and ipv4-udp, or ipv6-udp where both ends have IPv6.'),
    vlan: z
      .array(
        z.union([wholeNumber(0, 4094), z.array(wholeNumber(0, 4094)).max(8, { error: 'expected at most 8 tags' })], {
          error: 'expected a VLAN number from 0 to 4094 or a stack of them such as [1, 10]',
        }),
      )
      .min(1, { error: 'expected at least one tag stack' })
      .optional()
      .describe(
        'Tag stacks, outermost first: `[10, [1, 10]]` sends each frame with one tag and with two. Default: untagged.',
      ),
    src_mac: mac.optional().describe('Source MAC.'),
    dst_mac: mac.optional().describe('Destination MAC.'),
    src_ip: ipAddress.optional().describe('Source address.'),
    dst_ip: ipAddress.optional().describe('Destination address.'),
    group: group.optional().describe('Multicast group.'),
    size: wholeNumber(60, 9216)
      .optional()
      .describe('Bytes of a frame, without FCS. Default: 60, or what the class needs.'),
    fields: fields.optional().describe('Fields that a rule selects, in known-unicast. Default: those of probes.'),
    rule: z.string().max(200).optional().describe('The rule that `fields` asks, as runs without a file name it.'),
    hex: z
      .string({ error: 'expected hex digits, in quotes' })
      .max(40_000, { error: 'expected at most 40,000 characters' })
      .optional()
      .describe(
        'Class `frame`: its bytes, with the places `{dst_mac}`, `{src_mac}`, `{src_ip}`, `{dst_ip}` and `{token}` (18 bytes).',
      ),
    pcap: words.optional().describe('Class `frame`: a capture below the folder of the scenario, instead of `hex`.'),
    frame: wholeNumber(1, 1_000_000).optional().describe('Which frame of `pcap`. Default: 1.'),
    token_at: wholeNumber(14, 110)
      .optional()
      .describe('Class `frame`: at which byte the token stands, an even number. Default: its last 18 bytes.'),
    open_by_design: selectors
      .optional()
      .describe(
        'Endpoints that are open to it by design. Between bridges, or where half of them and of the senders are, the step holds as EXPOSED (`run --strict`: BROKEN). Else a barrier is missing: a leak.',
      ),
    ...allowance,
  })
  .meta({
    id: 'probe',
    description: 'Keys without a default are chosen by class.',
  });

export const traffic = z
  .strictObject({
    kind: z.enum(['http', 'ping', 'tcp', 'udp']).describe('Which program.'),
    from: name.describe('Who asks.'),
    to: name.describe('Who answers.'),
    requests: wholeNumber(1, 1_000_000).optional().describe('Requests, echoes, connections or datagrams. Default: 5.'),
    bytes: wholeNumber(0, 1_000_000_000)
      .optional()
      .describe('Bytes of each answer. Default: http and tcp 100,000, ping 56, udp 1,000.'),
    ...allowance,
  })
  .meta({ id: 'traffic', description: 'Through the stacks of two endpoints.' });

/** `private` and `isolated` are older words for holds. */
const shortExpectation = z.enum(['holds', 'separated', 'leak', 'unjudged', 'private', 'isolated']);
export const expectation = z.union([
  shortExpectation,
  z
    .strictObject({
      verdict: z
        .enum(['holds', 'broken'])
        .optional()
        .describe('`broken`: a demonstration; not on a host. Default: holds.'),
      observers: selectors
        .optional()
        .describe(
          'Who is judged. Default: every endpoint but the sender, on every bridge; host, every other port too.',
        ),
      ...allowance,
    })
    .meta({ id: 'expectation' }),
]);

const command = z
  .union([words, z.array(z.string({ error: 'expected text' })).min(1, { error: 'expected at least the program' })])
  .meta({ id: 'command', description: 'text, or the list of arguments; no shell' });
const port = interfaceName.describe('The port.');
const portVlan = z
  .strictObject({
    port,
    vid: vidOrRange.describe('VLAN, or a range in quotes.'),
    pvid: onOff.optional().describe('Untagged frames from the port belong to it. Default: off.'),
    untagged: onOff.optional().describe('Frames leave without the tag. Default: off.'),
  })
  .meta({
    id: 'port-vlan',
    description:
      'Of Open vSwitch: with `pvid` the `tag`, without it one of the `trunks`; with both `vlan_mode` decides. A port that has neither carries every VLAN: the first one limits it, the last one cannot be removed.',
  });
const fdbEntry = z
  .strictObject({
    mac: mac.describe('Whose entry.'),
    port,
    state: z
      .enum(['static', 'permanent', 'dynamic'])
      .optional()
      .describe("`permanent`: the bridge's own; `dynamic` ages. Default: static; with `self`, permanent."),
    sticky: onOff.optional().describe('It does not move to another port either. Default: off.'),
    vlan: vid.optional().describe('In which VLAN.'),
    self: onOff.optional().describe("With the bridge as port: the bridge's own MAC."),
  })
  .meta({
    id: 'fdb-entry',
    description: 'Of Open vSwitch: static. Default of `vlan`: 0, untagged frames on a port without `tag`.',
  });
const mdbEntry = z
  .strictObject({
    group: group.describe('The group.'),
    port,
    vlan: vid.optional().describe('In which VLAN.'),
  })
  .meta({ id: 'mdb-entry', description: 'Not of Open vSwitch.' });
const dateRule = 'expected a date such as 2027-01-31';

const vouching = (lastDay: string) => ({
  owner: words.optional().describe('The responsible person.'),
  ticket: words.optional().describe('The ticket that follows it up.'),
  until: z
    .string({ error: dateRule })
    .regex(/^\d{4}-\d{2}-\d{2}$/, { error: dateRule })
    .optional()
    .describe(lastDay),
});

export const stepShell = z.strictObject({
  name: title.describe('Its claim, shown in every report.'),
  description: words.optional().describe('Its subject.'),
  set: z
    .record(z.string(), z.record(z.string(), scalar))
    .optional()
    .describe(
      'Settings by interface; lab: also sysctls, under `sysctl`. They stay until a later step changes them, and are undone at the end. Of Open vSwitch: `flood` of a port and columns that decide where frames go, such as `flood_vlans`, `tag`, `trunks`.',
    ),
  vlan: z
    .strictObject({
      add: z.array(portVlan).optional().describe('VLANs that ports get.'),
      del: z.array(portVlan).optional().describe('VLANs that ports lose.'),
    })
    .meta({ id: 'vlan-changes' })
    .optional()
    .describe('VLANs of ports.'),
  fdb: z
    .strictObject({
      flush: oneOrMany(name).optional().describe('Bridges that forget what they learned.'),
      add: z.array(fdbEntry).optional().describe('Entries to make.'),
      del: z.array(fdbEntry).optional().describe('Entries to remove.'),
    })
    .meta({ id: 'fdb-changes', description: 'In this order: flush, del, add.' })
    .optional()
    .describe('Entries of the forwarding database.'),
  mdb: z
    .strictObject({
      add: z.array(mdbEntry).optional().describe('Members to make.'),
      del: z.array(mdbEntry).optional().describe('Members to remove.'),
    })
    .meta({ id: 'mdb-changes' })
    .optional()
    .describe('Members of multicast groups.'),
  start: selectors.optional().describe('Endpoints that come up.'),
  stop: selectors.optional().describe('Endpoints that go: guest, relay and link.'),
  run: z
    .array(command)
    .optional()
    .describe(
      'Lab: commands in the namespace of the bridges: ip, bridge, tc, nft, ethtool, sysctl (below `net.`), ovs-vsctl, ovs-ofctl. Files lie below the scenario’s folder, options stay in the lab. Anything else with `--allow-run`.',
    ),
  during: z
    .array(
      z
        .strictObject({
          at: time.describe('When, counted from the first probe.'),
          run: z
            .array(command)
            .min(1, { error: 'expected at least one command' })
            .describe('Commands, as `run` of a step.'),
          settle: time.optional().describe('How long its work goes on after its commands. Default: 0.'),
        })
        .meta({ id: 'event' }),
    )
    .optional()
    .describe('Commands while probes go on.'),
  learn: selectorsOrNone
    .optional()
    .describe('Endpoints that announce themselves first, `all` or `none`. Default: lab, all; host, none.'),
  ...plainKeys,
  probe: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  traffic: z.union([z.array(z.unknown()), z.record(z.string(), z.unknown())]).optional(),
  listen: z
    .strictObject({ for: time.describe('How long.') })
    .meta({ id: 'listening' })
    .optional()
    .describe("Nothing is sent. Unicast for none of an observer's MACs is foreign."),
  expect: expectation
    .optional()
    .describe(
      '`holds`, `private`, `isolated`: only the addressee sees it, and it does. `separated`: nor does the addressee. `leak`: a demonstration; not on a host. `unjudged`: a stimulus.',
    ),
  accept: z
    .array(
      z
        .strictObject({
          observer: selector.describe('The observer that may overhear it.'),
          class: title.describe('Class, kind of traffic, or `foreign-unicast`.'),
          reason: words.describe('Why.'),
          ...vouching('Last day, such as 2027-01-31.'),
        })
        .meta({ id: 'accepted-leak' }),
    )
    .optional()
    .describe('Accepted leaks; always printed.'),
  trust: z
    .array(
      z
        .strictObject({
          what: title.describe(
            'As `bypass-possible` names it: `packet socket of suricata`; `nft dup` is also `nft dup to vnet3`.',
          ),
          where: title.optional().describe('Its place, such as `vnet0 tcx ingress`. Default: anywhere.'),
          reason: words.describe('Why it is known to carry no frame elsewhere.'),
          ...vouching('Last day, such as 2027-01-31.'),
        })
        .meta({ id: 'trusted-bypass' }),
    )
    .optional()
    .describe('Trusted things that may bypass every capture point.'),
});

export const step = stepShell
  .extend({
    probe: oneOrMany(probe).optional().describe('Frames with a token, and who sees them.'),
    traffic: oneOrMany(traffic).optional().describe('Lab: real programs, judged by address.'),
  })
  .meta({
    id: 'step',
    description:
      'Order: set, vlan, fdb, mdb, start and stop, run, learn, wait, read the state, probe, drain, read the state.',
  });

export const policy = z
  .strictObject({
    from: selectors.optional().describe('Who sends; with `to`.'),
    to: selectors.optional().describe('To whom.'),
    within: selectors.optional().describe('Among these, instead of `from` and `to`.'),
    expect: expectation.optional().describe('Default: holds.'),
  })
  .meta({ id: 'policy', description: 'A claim on pairs of zones, or within each.' });
