import { z } from 'zod';
import { bridgeSettings, linkSettings, portSettings } from '../../bridge/attributes.js';
import { attaches, ipvlanFlags, ipvlanModes, macvlanModes } from '../../model/attach.js';
import type { Setting } from '../../model/settings.js';
import {
  interfaceName,
  ipAddress,
  ipPrefix,
  mac,
  name,
  oneOrMany,
  onOff,
  scalar,
  words,
  title,
  vidOrRange,
  wholeNumber,
} from './values.js';

function settingKeys(settings: readonly Setting[]): Record<string, z.ZodOptional<typeof scalar>> {
  return Object.fromEntries(
    settings.flatMap(({ key, option, kind, meaning }) => {
      const described = scalar.optional().describe(`${meaning} (${kind === 'centiseconds' ? 'time' : kind})`);
      return [
        [key, described],
        [option, option === key ? described : scalar.optional().describe(`The same as ${key}.`)],
      ];
    }),
  );
}

const vlan = z
  .strictObject({
    vid: vidOrRange.describe('VLAN, or a range in quotes.'),
    pvid: onOff.optional().describe('Untagged frames from the port belong to it. Default: off.'),
    untagged: onOff.optional().describe('Frames leave without the tag. Default: off.'),
  })
  .meta({ id: 'vlan' });
const vlans = z.array(vlan);

const bridgeKeys = {
  address: oneOrMany(ipPrefix).optional().describe('Addresses of the host on the bridge. Lab: they are set.'),
  netns: words.optional().describe('Host: network namespace of the bridge, by name or path.'),
};

export const linuxBridge = z
  .strictObject({
    kind: z.literal('linux').optional().describe('Default.'),
    ...bridgeKeys,
    host: name
      .optional()
      .describe('With `hosts`: the host of its endpoints that name none. Default: lab, none; host, this one.'),
    vlans: vlans.optional().describe('VLANs of the bridge device, which is the host.'),
    ...settingKeys([...bridgeSettings, ...linkSettings]),
  })
  .meta({
    id: 'linux-bridge',
    description:
      "Settings have their names in `ip -j -d link` or ip-link(8). Default of each: lab, the kernel's; host, as it is.",
  });

/** Other keys are columns of ovs-vsctl's Bridge table. */
export const ovsBridge = z
  .object({
    kind: z.literal('ovs').describe('A bridge of Open vSwitch.'),
    datapath: z
      .enum(['netdev', 'system'])
      .optional()
      .describe('In user space, or in the kernel (system). Default: lab, netdev; host, as it is.'),
    ...bridgeKeys,
    vlans: vlans.optional().describe("VLANs of the bridge's own port."),
    mirrors: z
      .array(
        z
          .strictObject({
            name: name.describe('Name of the mirror.'),
            select: words.describe('What it copies: `all`, or a port.'),
            output: interfaceName.describe('The port that gets the copies.'),
          })
          .meta({ id: 'mirror' }),
      )
      .optional()
      .describe('Copies of traffic to a port; host: made for the run.'),
  })
  .catchall(scalar)
  .meta({
    id: 'ovs-bridge',
    description: 'Other keys are columns of the Bridge table (ovs-vsctl); on a host those that a run can put back.',
  });

export const routesOfHost = z
  .strictObject({
    kind: z.literal('routed').describe('No bridge: the host has a route to each address of a guest.'),
    address: oneOrMany(ipPrefix)
      .optional()
      .describe('Lab: addresses of the host at each port, such as the guests’ gateway.'),
    netns: bridgeKeys.netns,
  })
  .meta({
    id: 'routed-segment',
    description: 'Taps of micro VMs, veths of Calico. Lab: `sysctl` says whether the host forwards.',
  });

export const lowerDevice = z
  .strictObject({
    kind: z
      .literal('lower')
      .describe('No bridge: the device of this name, on which guests stand by macvlan or ipvlan.'),
    netns: bridgeKeys.netns,
  })
  .meta({
    id: 'lower-device',
    description: 'On a host only.',
  });

/** In the lab a host is a namespace and has no keys. */
export const host = z
  .strictObject({
    ssh: title.optional().describe('Host: its name for ssh(1), such as `root@hv2`.'),
    command: z
      .array(title)
      .min(1)
      .optional()
      .describe(
        'Host: the program there: `[verify-isolation]` (default), its absolute path, either behind `sudo -n` or `doas -n`; others with `--allow-run`.',
      ),
  })
  .meta({ id: 'host', description: 'In the lab a namespace without keys.' });

/** RFC 7348 4: the VXLAN network identifier has 24 bits. */
const tunnel = z
  .strictObject({
    vni: wholeNumber(1, 16_777_215).optional().describe('Lab: its VXLAN network identifier.'),
    to: oneOrMany(name).optional().describe('Lab: hosts that get broadcast and unknown unicast.'),
  })
  .meta({
    id: 'tunnel',
    description:
      'Joins parts of a network on several hosts: observed, sends nothing, judged only where `observers` names it.',
  });

const role = z.enum(['guest', 'uplink', 'host']);
const attach = z.enum(attaches);

const endpointSettings = z
  .strictObject({
    ...settingKeys([...portSettings, ...linkSettings]),
    protected: onOff.optional().describe('Open vSwitch: protected ports exchange nothing.'),
    offloads: onOff.optional().describe('Lab: checksum and segmentation offloads. Default: off.'),
  })
  .meta({
    id: 'port-settings',
    description: 'Names and defaults as those of a bridge. Open vSwitch has protected, flood, mtu and up.',
  });

const endpointKeys = {
  attach: attach
    .optional()
    .describe(
      "Default: `port`, with `kind: routed` `routed`, an interface that the host routes to. `host`: its own stack. `promiscuous`: behind the bridge device, as VMware bridges a bridge. Others: on a lower device; lab, another endpoint's interface; host, `kind: lower`.",
    ),
  lower: name
    .optional()
    .describe(
      "Lab, `attach: macvlan`, `macvtap`, `ipvlan`: the endpoint, on a port of the same bridge, whose interface is the lower device. Its guests' frames come there too, and it is judged only where `observers` names it.",
    ),
  mode: z
    .enum([...macvlanModes, ...ipvlanModes])
    .optional()
    .describe(
      'Lab: the mode of a lower device, as in ip-link(8). `attach: ipvlan`: l2, l3 or l3s; with l3s nothing is proved.',
    ),
  flag: z
    .enum(ipvlanFlags)
    .optional()
    .describe('Lab, `attach: ipvlan`: the same. Default: bridge. In l2 broadcast passes with each.'),
  role: role
    .optional()
    .describe("`uplink`: all beyond the physical NIC. `host`: the host's own stack. Default: guest."),
  gateway: ipAddress.optional().describe('Default gateway of its stack.'),
  started: onOff.optional().describe('Off: absent until a step starts it. Default: on.'),
  promiscuous: onOff.optional().describe('`attach: promiscuous`: it gets every frame. Default: off, its own only.'),
  vlans: vlans.optional().describe('VLANs of its port; without filtering they only claim who belongs together.'),
  settings: endpointSettings.optional().describe('Settings of its port.'),
};

export const endpoint = z
  .strictObject({
    bridge: name.describe('Its bridge.'),
    port: interfaceName
      .optional()
      .describe("Its port on the host. With `attach: promiscuous` the relay's side; with `attach: host` none."),
    mac: oneOrMany(mac)
      .optional()
      .describe('Its own MACs; known unicast is sent to each. Default: lab, made up; host, as on record.'),
    ip: oneOrMany(ipPrefix).optional().describe('Addresses. Lab: with one it has a network stack.'),
    zone: name.optional().describe('Its tenant.'),
    owner: name
      .optional()
      .describe('The guest that has it. Frames of one endpoint of an owner are no leak at another.'),
    observed_only: z
      .literal(true)
      .optional()
      .describe(
        'Nothing is sent to it or as it, since its bridge does not know its MAC. The verdict names it (`run --strict`: INCONCLUSIVE).',
      ),
    netns: words.optional().describe('Host: network namespace of its interface, by name or path.'),
    host: name.optional().describe("With `hosts`: its host. Default: its bridge's."),
    tunnel: tunnel.optional().describe('Not a guest, but the way to other hosts. Lab: a VXLAN device; host: `{}`.'),
    ...endpointKeys,
  })
  .meta({ id: 'endpoint' });

const patternRule = 'expected a name in which {} stands for the number, such as "g{}"';
const numbered = z.string({ error: patternRule }).regex(/^[A-Za-z0-9._{}-]{1,63}$/, { error: patternRule });

export const generate = z
  .strictObject({
    count: wholeNumber(1, 4096).describe('How many.'),
    name: numbered.describe('Their names, with `{}`.'),
    bridge: name.describe('Their bridge.'),
    port: z.string({ error: patternRule }).min(1).max(63).optional().describe('Their interface names, with `{}`.'),
    ip: oneOrMany(ipPrefix).optional().describe('A network: each takes its next free address. Without: no stack.'),
    zone: numbered.optional().describe('Their tenants, with or without `{}`.'),
    ...endpointKeys,
  })
  .meta({ id: 'generated', description: '`{}` in a name stands for the number.' });

const sysctl = z.record(title, scalar);

/** The topology's keys; their values are read one by one, so that all faults show. */
export const topologyShell = z.strictObject({
  provider: z
    .enum(['lab', 'host'])
    .optional()
    .describe('`lab` (default): throw-away namespaces. `host`: the bridges and guests that run here.'),
  bridges: z.record(z.string(), z.unknown()),
  endpoints: z.record(z.string(), z.unknown()).optional(),
  generate: z.array(z.unknown()).optional(),
  sysctl: sysctl.optional().describe('Lab: sysctls below `net.`, such as `net.ipv4.ip_forward: 1`.'),
  hosts: z.record(z.string(), z.unknown()).optional(),
});

export const topology = topologyShell
  .extend({
    bridges: z.record(name, z.union([linuxBridge, ovsBridge, routesOfHost, lowerDevice])).describe('Bridges by name.'),
    endpoints: z.record(name, endpoint).optional().describe('Endpoints of the bridges, by name.'),
    hosts: z
      .record(name, host)
      .optional()
      .describe('Other hosts, by name. Bridges of one name are one network; a name elsewhere is `HOST/NAME`.'),
    generate: z
      .array(generate)
      .optional()
      .describe('Endpoints in number; MACs (02:76:69:…), ports and addresses derive from their numbers.'),
  })
  .meta({ id: 'topology' });
