import { z } from 'zod';
import { bridgeSettings, linkSettings, portSettings } from '../../bridge/attributes.js';
import { attaches, macvlanModes } from '../../model/attach.js';
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
  text,
  title,
  vidOrRange,
  whole,
} from './values.js';

const device = interfaceName.describe('The bridge or port.');
const bridge = text.describe('Its bridge.');
const file = text.describe('Where it stands.');

/**
 * Who keeps a device, as core/model/persistent-fix.ts has it: the values of `by`, and of libvirt `keeps`, report the
 * kinds apart.
 */
export const manager = z.union([
  z
    .strictObject({
      by: z.literal('libvirt').describe('A guest of libvirt has the port.'),
      keeps: z.literal('guest').describe('The interface of a guest.'),
      device,
      bridge,
      guest: text.describe('Its domain.'),
      mac: mac.describe('The MAC of its interface.'),
      network: text.nullable().describe('The network of libvirt that the interface names; null = it names a bridge.'),
    })
    .meta({ id: 'libvirt-guest' }),
  z
    .strictObject({
      by: z.literal('libvirt').describe('A network of libvirt has the bridge.'),
      keeps: z.literal('network').describe('A network.'),
      device,
      network: text.describe('Its name.'),
    })
    .meta({ id: 'libvirt-network' }),
  z
    .strictObject({
      by: z.literal('Proxmox VE').describe('A guest of Proxmox VE has the port.'),
      device,
      bridge,
      program: z.enum(['qm', 'pct']).describe('Virtual machine or container.'),
      id: whole(1, 999_999_999).describe('Its number.'),
      nic: text.describe('Which of its NICs, such as `net0`.'),
      value: text.describe('The settings of that NIC.'),
      isVnet: onOff.describe('Whether the bridge is a VNet.'),
    })
    .meta({ id: 'proxmox-nic' }),
  z
    .strictObject({
      by: z.literal('netplan').describe('netplan has the device.'),
      device,
      file,
      kind: text.describe('Below which key, such as `bridges`.'),
      renderer: z.enum(['networkd', 'NetworkManager']).describe('Who does its work.'),
    })
    .meta({ id: 'netplan-device' }),
  z
    .strictObject({
      by: z.enum(['ifupdown2', 'ifupdown']).describe('/etc/network/interfaces has the device.'),
      device,
      file,
      bridge,
    })
    .meta({ id: 'interfaces-stanza' }),
  z
    .strictObject({
      by: z.literal('NetworkManager').describe('A profile of NetworkManager has the device.'),
      device,
      file,
      profile: text.describe('Its name.'),
      uuid: text.nullable().describe('Its UUID; null = it has none.'),
    })
    .meta({ id: 'network-manager-profile' }),
]);

/** Every name of the settings, both ways of writing them, as optional keys that say what they mean. */
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
    pvid: onOff
      .optional()
      .describe('Whether untagged frames that come in on the port belong to this VLAN. Default: off.'),
    untagged: onOff.optional().describe('Whether frames leave the port without the tag. Default: off.'),
  })
  .meta({ id: 'vlan' });
export const vlans = z.array(vlan);

const bridgeKeys = {
  address: oneOrMany(ipPrefix)
    .optional()
    .describe('Addresses of the host on the bridge; lab: they are set, the host has a stack there.'),
  netns: text.optional().describe('Host: network namespace of the bridge, by name or path.'),
};

export const linuxBridge = z
  .strictObject({
    kind: z.literal('linux').optional().describe('The bridge of the Linux kernel, the default.'),
    ...bridgeKeys,
    host: name
      .optional()
      .describe(
        'With `hosts`: the host of its endpoints, where they do not say their own. Left out: lab, every endpoint says it; host, the one that the program runs on.',
      ),
    vlans: vlans.optional().describe('VLANs of the bridge device itself, that is of the host.'),
    ...settingKeys([...bridgeSettings, ...linkSettings]),
  })
  .meta({
    id: 'linux-bridge',
    description:
      "A bridge of the Linux kernel. Any of its settings may stand here; left out: lab, the kernel's default; host, as it is.",
  });

/** Its other keys are columns of ovs-vsctl's Bridge table. */
export const ovsBridge = z
  .object({
    kind: z.literal('ovs').describe('A bridge of Open vSwitch.'),
    datapath: z
      .enum(['netdev', 'system'])
      .optional()
      .describe('In user space (netdev) or in the kernel (system). Default: lab, netdev; host, as it is.'),
    ...bridgeKeys,
    vlans: vlans.optional().describe("VLANs of the bridge's own port."),
    mirrors: z
      .array(
        z
          .strictObject({
            name: name.describe('Name of the mirror.'),
            select: text.describe('What it copies: `all`, or the name of a port.'),
            output: interfaceName.describe('The port that gets the copies.'),
          })
          .meta({ id: 'mirror' }),
      )
      .optional()
      .describe('Mirrors, which copy traffic to a port; host: made for the run.'),
  })
  .catchall(scalar)
  .meta({
    id: 'ovs-bridge',
    description:
      'A bridge of Open vSwitch. Its other keys are columns of the Bridge table of ovs-vsctl; on a host those that a run can put back.',
  });

/** How a host of several is reached; in the lab a host is a namespace and has no keys. */
export const host = z
  .strictObject({
    ssh: title
      .optional()
      .describe(
        'Host: where ssh(1) finds it, such as `root@hv2`. The configuration, keys and known hosts of the caller apply.',
      ),
    command: z
      .array(title)
      .min(1)
      .optional()
      .describe(
        'Host: the program there, as an argument list: `[verify-isolation]` (default), its absolute path, or either behind `sudo -n` or `doas -n`; others with `--allow-run`.',
      ),
  })
  .meta({ id: 'host', description: 'Another host. In the lab it is a namespace and has no keys.' });

/** RFC 7348 4: the VXLAN network identifier has 24 bits. */
export const tunnel = z
  .strictObject({
    vni: whole(1, 16_777_215).optional().describe('Lab: the VXLAN network identifier of the device.'),
    to: oneOrMany(name)
      .optional()
      .describe('Lab: the hosts to which frames for everybody and for unknown stations are sent.'),
  })
  .meta({
    id: 'tunnel',
    description:
      'The port joins parts of a network on several hosts. It is observed, sends nothing of its own, and is judged only where `observers` names it.',
  });

export const role = z.enum(['guest', 'uplink', 'host']);
export const attach = z.enum(attaches);

export const endpointSettings = z
  .strictObject({
    ...settingKeys([...portSettings, ...linkSettings]),
    protected: onOff.optional().describe('Open vSwitch: a protected port exchanges nothing with other protected ones.'),
    offloads: onOff
      .optional()
      .describe("Lab: checksum and segmentation offloads of the endpoint's interface. Default: off."),
  })
  .meta({
    id: 'port-settings',
    description:
      'Settings of a port, by the names of `ip -j -d link` or of `man ip-link`. A port of Open vSwitch has protected, flood, mtu and up.',
  });

/** Keys that an endpoint and a block of generated ones share. */
const endpointKeys = {
  attach: attach
    .optional()
    .describe(
      "`port` (default): on a port of the bridge. `host`: the host's own stack. `promiscuous`: behind the bridge device itself, as VMware bridges a bridge. `macvlan` and `macvtap` (lab): on the interface of another endpoint, by the port of that one.",
    ),
  lower: name
    .optional()
    .describe(
      '`attach: macvlan` or `macvtap`: the endpoint on a port of the same bridge whose interface is the lower device. It is not judged unless `observers` names it: what comes there is for its guests too.',
    ),
  mode: z
    .enum(macvlanModes)
    .optional()
    .describe(
      '`attach: macvlan` or `macvtap`: how the kernel hands frames between guests of one lower device, as in ip-link(8).',
    ),
  role: role
    .optional()
    .describe(
      "`guest` (default), `uplink`: everything beyond the physical NIC, `host`: the host's own stack on the bridge.",
    ),
  gateway: ipAddress.optional().describe("Default gateway of the endpoint's stack."),
  started: onOff.optional().describe('Off: absent until a step starts it. Default: on.'),
  promiscuous: onOff
    .optional()
    .describe(
      '`attach: promiscuous` only: the relay hands every frame to the endpoint, not just those to it. Default: off.',
    ),
  vlans: vlans
    .optional()
    .describe(
      'VLANs of its port. With filtering off the kernel does not act on them, but they stay the claim of who belongs together.',
    ),
  settings: endpointSettings.optional().describe('Settings of its port.'),
};

export const endpoint = z
  .strictObject({
    bridge: name.describe('The bridge that it hangs on.'),
    port: interfaceName
      .optional()
      .describe(
        "Interface name of its port on the host; of the relay's side with `attach: promiscuous`; none with `attach: host`.",
      ),
    mac: oneOrMany(mac)
      .optional()
      .describe('MAC or MACs that are rightfully its own. Left out: lab, made up; host, as on record.'),
    ip: oneOrMany(ipPrefix)
      .optional()
      .describe('Addresses. In the lab an endpoint with one has a network stack of its own.'),
    zone: name.optional().describe('The tenant that it belongs to.'),
    owner: name
      .optional()
      .describe(
        'The guest that it is an interface of. Endpoints of one owner are one party: what one of them sends is no leak at another.',
      ),
    observed_only: z
      .literal(true)
      .optional()
      .describe(
        'Nothing is sent to it or in its name, for its bridge does not know its MAC: the verdict says for how many guests it holds, and names this one (`run --strict`: INCONCLUSIVE).',
      ),
    netns: text
      .optional()
      .describe('Host: network namespace in which its interface lives (a container), by name or path.'),
    host: name.optional().describe("With `hosts`: the host that it is on. Left out: its bridge's."),
    tunnel: tunnel
      .optional()
      .describe(
        'It is no guest but the way to the parts of its network on other hosts: a VXLAN device in the lab, `{}` on a host.',
      ),
    ...endpointKeys,
  })
  .meta({ id: 'endpoint', description: 'A guest, an uplink, or the host.' });

const patternRule = 'expected a name in which {} stands for the number, such as "g{}"';
const numbered = z.string({ error: patternRule }).regex(/^[A-Za-z0-9._{}-]{1,63}$/, { error: patternRule });

export const generate = z
  .strictObject({
    count: whole(1, 4096).describe('How many endpoints.'),
    name: numbered.describe('Their names; `{}` stands for the number.'),
    bridge: name.describe('The bridge that they hang on.'),
    port: z
      .string({ error: patternRule })
      .min(1)
      .max(63)
      .optional()
      .describe('Their interface names; `{}` stands for the number.'),
    ip: oneOrMany(ipPrefix)
      .optional()
      .describe('A network: each takes its next free address. Without it they need no stack.'),
    zone: numbered.optional().describe('Their tenants; `{}` stands for the number.'),
    ...endpointKeys,
  })
  .meta({ id: 'generated', description: 'Endpoints in number.' });

export const sysctl = z.record(title, scalar);

/** The topology's own keys; what hangs below is read piece by piece, so that a fault in one hides none in another. */
export const topologyShell = z.strictObject({
  provider: z
    .enum(['lab', 'host'])
    .optional()
    .describe(
      '`lab` (default): built in throw-away namespaces, gone afterwards. `host`: the bridges and guests that run here now.',
    ),
  bridges: z.record(z.string(), z.unknown()),
  endpoints: z.record(z.string(), z.unknown()).optional(),
  generate: z.array(z.unknown()).optional(),
  sysctl: sysctl
    .optional()
    .describe('Lab: sysctls of the host of the bridges, below `net.`, such as `net.ipv4.ip_forward: 1`.'),
  keepers: z
    .array(manager)
    .optional()
    .describe(
      'Lab: whose configuration makes the bridges and ports of the live host that these stand for; `run --twin` writes it. Fixes then come with the form in which they last there.',
    ),
  hosts: z.record(z.string(), z.unknown()).optional(),
});

export const topology = topologyShell
  .extend({
    bridges: z.record(name, z.union([linuxBridge, ovsBridge])).describe('Bridges by name.'),
    endpoints: z
      .record(name, endpoint)
      .optional()
      .describe('What hangs on the bridges, by name. Every port of a bridge under test is observed, listed or not.'),
    hosts: z
      .record(name, host)
      .optional()
      .describe(
        'Other hosts that the bridges are on, by name. Bridges of one name are one network on all hosts where it has endpoints; what is on another host is called `HOST/NAME`.',
      ),
    generate: z
      .array(generate)
      .optional()
      .describe('Endpoints in number, with MACs (02:76:69:…), ports and addresses derived from it.'),
  })
  .meta({ id: 'topology', description: 'Bridges and what hangs on them.' });
