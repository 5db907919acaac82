import { z } from 'zod';
import { carriers, probeClasses } from '../../model/scenario.js';
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
  text,
  time,
  title,
  vid,
  vidOrRange,
  whole,
} from './values.js';

const seenRule = 'expected none, some, all or a number of frames';
export const seenAmount = z.union([z.enum(['none', 'some', 'all']), whole(0, 4_000_000_000)], { error: seenRule });
export const seenClaim = z
  .strictObject({
    from: name.optional().describe('Only rows of this sender.'),
    to: name.optional().describe('Only rows to this addressee.'),
    carrier: z
      .enum([...carriers, 'native'])
      .optional()
      .describe('Only rows of this carrier; `native`: real traffic.'),
    variant: text.optional().describe('Only rows of this kind of frame, where a class sends several.'),
    seen: seenAmount.describe('How much this observer sees of each such row.'),
  })
  .meta({ id: 'claim', description: 'A claim on one observer, for some of its rows.' });
/** By observer: an amount, a narrowed claim, or several of those. */
export const seenOf = z.union([
  seenAmount,
  seenClaim,
  z.array(seenClaim).min(1, { error: 'expected at least one entry' }),
]);
export const seen = z.record(selector, seenOf);

const allowance = {
  may_see: selectorsOrNone
    .optional()
    .describe('Who may see it without a leak. Default: by class; with traffic or listening, the two ends.'),
  must_see: selectorsOrNone
    .optional()
    .describe(
      'Who has to see all of it, or the step is inconclusive (`delivery-short`), unless drop counters explain the loss. Default: by class.',
    ),
  seen: seen
    .optional()
    .describe('Claims on observers, such as `{ kali3: none }`. Each has to hold for every row of the observer.'),
};

const roundsRule = 'expected a round such as 1, or rounds such as "2-4" or "2-"';
export const rounds = z
  .union(
    [
      whole(1, 1_000_000),
      z.string({ error: roundsRule }).regex(/^[1-9]\d{0,5}-([1-9]\d{0,5})?$/, { error: roundsRule }),
    ],
    {
      error: roundsRule,
    },
  )
  .meta({ id: 'rounds', description: 'a round of pairs such as `1`, or several: `"2-4"`, `"2-"`' });

/** `gateway-bounce` is an alias of routed-bounce. */
export const probeClass = z.enum([...probeClasses, 'gateway-bounce']);

export const probe = z
  .strictObject({
    class: probeClass.describe('What is sent. `gateway-bounce` is an alias of routed-bounce.'),
    from: selectors.describe('Who sends; `"*"`: all.'),
    to: selectors.optional().describe('To whom; `"*"`: all others on the same bridge, `"**"`: on every bridge.'),
    via: selectors
      .optional()
      .describe('Who talks to the victim, where a class needs it. Default: the uplink, else all others.'),
    rounds: rounds
      .optional()
      .describe(
        'Only these pairs: in round k each sender sends to the k-th addressee behind it. Default: all pairs, sender by sender.',
      ),
    both_ways: onOff.optional().describe('Also the other way round, in rows of their own. Default: off.'),
    count: whole(1, 10_000_000).optional().describe('Frames for each pair, carrier and tag stack. Default: 100.'),
    rate: whole(1, 10_000_000)
      .optional()
      .describe('Frames a second for the whole probe. Default: lab, as fast as capture loses nothing; host, 1,000.'),
    carriers: oneOrMany(z.enum(carriers))
      .optional()
      .describe(
        'What the frames are; `raw` is EtherType 0x88b5. Default: raw and ipv4-udp, or ipv6-udp where both ends have IPv6.',
      ),
    vlan: z
      .array(
        z.union([whole(0, 4094), z.array(whole(0, 4094)).max(8, { error: 'expected at most 8 tags' })], {
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
    size: whole(60, 9216).optional().describe('Bytes of a frame, without FCS. Default: 60, or what the class needs.'),
    open_by_design: selectors
      .optional()
      .describe(
        'Who is open to it by design. Where at least half of them, and of the senders, are, the step holds and reports EXPOSED (`run --strict`: BROKEN). Where fewer are, a barrier is missing: a leak.',
      ),
    ...allowance,
  })
  .meta({
    id: 'probe',
    description: 'Frames of one class, and who sees them. What is left out goes by class, unless it has a default.',
  });

export const traffic = z
  .strictObject({
    kind: z.enum(['http', 'ping', 'tcp', 'udp']).describe('Which program.'),
    from: name.describe('Who asks.'),
    to: name.describe('Who answers.'),
    requests: whole(1, 1_000_000)
      .optional()
      .describe('How many requests, echoes, connections or datagrams. Default: 5.'),
    bytes: whole(0, 1_000_000_000)
      .optional()
      .describe('Bytes of each answer. Default: http and tcp 100,000, ping 56, udp 1,000.'),
    ...allowance,
  })
  .meta({ id: 'traffic', description: 'Programs that talk through the stacks of two endpoints.' });

/** `private` and `isolated` are older words for holds. */
export const shortExpectation = z.enum(['holds', 'separated', 'leak', 'unjudged', 'private', 'isolated']);
export const expectation = z.union([
  shortExpectation,
  z
    .strictObject({
      verdict: z
        .enum(['holds', 'broken'])
        .optional()
        .describe('What is expected. `broken` is a demonstration; not on a host. Default: holds.'),
      observers: selectors
        .optional()
        .describe(
          'Who is judged. Default: every endpoint but the sender, on every bridge; host, every other port too.',
        ),
      ...allowance,
    })
    .meta({ id: 'expectation', description: 'What is expected, in detail.' }),
]);

const command = z
  .union([text, z.array(z.string({ error: 'expected text' })).min(1, { error: 'expected at least the program' })])
  .meta({ id: 'command', description: 'a command as text, or as the list of its arguments; no shell' });
const port = interfaceName.describe('Interface name of the port.');
const portVlan = z
  .strictObject({
    port,
    vid: vidOrRange.describe('VLAN, or a range in quotes.'),
    pvid: onOff
      .optional()
      .describe('Whether untagged frames that come in on the port belong to this VLAN. Default: off.'),
    untagged: onOff.optional().describe('Whether frames leave the port without the tag. Default: off.'),
  })
  .meta({
    id: 'port-vlan',
    description:
      'Of Open vSwitch: with `pvid` the `tag` of its port, without it one of its `trunks`; `vlan_mode` decides where a port has both. A port that has neither carries every VLAN: the first one limits it, the last one cannot be removed.',
  });
const fdbEntry = z
  .strictObject({
    mac: mac.describe('Whose entry.'),
    port,
    state: z
      .enum(['static', 'permanent', 'dynamic'])
      .optional()
      .describe(
        "`static` does not age, `permanent` is the bridge's own, `dynamic` ages. Default: static; with `self`, permanent.",
      ),
    sticky: onOff.optional().describe('It does not move to another port either. Default: off.'),
    vlan: vid.optional().describe('In which VLAN.'),
    self: onOff
      .optional()
      .describe("With the bridge as port: the bridge's own MAC (`bridge fdb add MAC dev BR self permanent`)."),
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
  .meta({ id: 'mdb-entry', description: 'Not of Open vSwitch, which has no command for members.' });
const dateRule = 'expected a date such as 2027-01-31';

/** Who answers for what is taken on, and until when. */
const vouching = (lastDay: string) => ({
  owner: text.optional().describe('Who answers for it.'),
  ticket: text.optional().describe('Where it is followed up.'),
  until: z
    .string({ error: dateRule })
    .regex(/^\d{4}-\d{2}-\d{2}$/, { error: dateRule })
    .optional()
    .describe(lastDay),
});

/** A step's own keys; its probes and traffic are read one by one. */
export const stepShell = z.strictObject({
  name: title.describe('What it claims, shown in every report.'),
  description: text.optional().describe('What it is about.'),
  set: z
    .record(z.string(), z.record(z.string(), scalar))
    .optional()
    .describe(
      'Settings by interface name; lab: also sysctls under `sysctl`. They stay until a later step changes them, and are undone at the end. Of Open vSwitch: `flood` of a port and columns that decide where frames go: `flood_vlans`, `"other_config:mac-table-size"`, `protected`, `tag`, `trunks`, …',
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
      flush: oneOrMany(name).optional().describe('Bridges that forget what they learned; comes first.'),
      add: z.array(fdbEntry).optional().describe('Entries to make.'),
      del: z.array(fdbEntry).optional().describe('Entries to remove; before those to make.'),
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
      'Lab: commands in the namespace of the bridges: ip, bridge, tc, nft, ethtool, sysctl (below `net.`), ovs-vsctl, ovs-ofctl. Files lie below the scenario’s folder, and options stay in the lab (no `-n`, `--db`, `--log-file`, …). Anything else with `--allow-run`.',
    ),
  during: z
    .array(
      z
        .strictObject({
          at: time.describe('When, counted from the first probe.'),
          run: z
            .array(command)
            .min(1, { error: 'expected at least one command' })
            .describe('What then happens; as `run` of a step.'),
          settle: time
            .optional()
            .describe(
              'How long its work goes on after its commands have ended. What changes until then is its doing. Default: 0.',
            ),
        })
        .meta({ id: 'event' }),
    )
    .optional()
    .describe('Commands while probing goes on; leaks are also reported as windows in ms.'),
  learn: selectorsOrNone
    .optional()
    .describe('Who announces itself before the probes, `all` or `none`. Default: lab, all; host, none.'),
  wait: time.optional().describe('Time between announcing and probing.'),
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
      '`holds`: nobody but the addressee sees it, and it does. `separated`: the addressee must not get it either. `leak`: a demonstration; not on a host. `unjudged`: a stimulus. `private` and `isolated`: aliases of holds.',
    ),
  accept: z
    .array(
      z
        .strictObject({
          observer: selector.describe('Who may overhear it for now.'),
          class: title.describe('Class of the probes; the kind of traffic, or `foreign-unicast`.'),
          reason: text.describe('Why.'),
          ...vouching('Last day on which it is accepted, such as 2027-01-31.'),
        })
        .meta({ id: 'accepted-leak' }),
    )
    .optional()
    .describe('Leaks that are accepted; always printed.'),
  trust: z
    .array(
      z
        .strictObject({
          what: title.describe(
            'As `bypass-possible` names it, such as `packet socket of suricata`; `nft dup` is also `nft dup to vnet3`.',
          ),
          where: title.optional().describe('Its place, such as `vnet0 tcx ingress`. Default: wherever it stands.'),
          reason: text.describe('Why it is known to carry no frame elsewhere.'),
          ...vouching('Last day on which it is trusted, such as 2027-01-31.'),
        })
        .meta({ id: 'trusted-bypass' }),
    )
    .optional()
    .describe('What can carry frames past the ears and is trusted not to: a program, a rule, a listening process.'),
});

export const step = stepShell
  .extend({
    probe: oneOrMany(probe).optional().describe('Frames that carry a token and what becomes of them.'),
    traffic: oneOrMany(traffic)
      .optional()
      .describe('Lab: real programs through the stacks of endpoints, judged by address.'),
  })
  .meta({
    id: 'step',
    description:
      'The order in a step: set, vlan, fdb, mdb, start and stop, run, learn, wait, read the state, probe, drain, read the state.',
  });

export const policy = z
  .strictObject({
    from: selectors.optional().describe('Who sends; with `to`.'),
    to: selectors.optional().describe('To whom.'),
    within: selectors.optional().describe('Instead of `from` and `to`: among these.'),
    expect: expectation.optional().describe('As of a step. Default: holds.'),
  })
  .meta({ id: 'policy', description: 'A claim on pairs of zones, or on what goes on in each.' });
