import { z } from 'zod';
import { bridgeSettings, linkSettings, portSettings, type Setting } from '../model/settings.js';
import { interfaceName, ipAddress, ipPrefix, mac, name, onOff, oneOrMany, scalar, text, title, vidOrRange, whole } from './values.js';

/** Every name of the settings, both ways of writing them, as optional keys. */
function settingKeys(settings: readonly Setting[]): Record<string, z.ZodOptional<typeof scalar>> {
  return Object.fromEntries(settings.flatMap(({ key, option }) => [[key, scalar.optional()], [option, scalar.optional()]]));
}

export const vlans = z.array(z.strictObject({ vid: vidOrRange, pvid: onOff.optional(), untagged: onOff.optional() }));

export const linuxBridge = z.strictObject({
  ...settingKeys([...bridgeSettings, ...linkSettings]),
  kind: z.literal('linux').optional(),
  address: oneOrMany(ipPrefix).optional(),
  vlans: vlans.optional(),
  netns: text.optional(),
});

/** Its other keys are columns of ovs-vsctl's Bridge table. */
export const ovsBridge = z.object({
  kind: z.literal('ovs'),
  datapath: z.enum(['netdev', 'system']).optional(),
  address: oneOrMany(ipPrefix).optional(),
  vlans: vlans.optional(),
  netns: text.optional(),
  mirrors: z.array(z.strictObject({ name, select: text, output: interfaceName })).optional(),
}).catchall(scalar);

export const role = z.enum(['guest', 'uplink', 'host']);
export const attach = z.enum(['port', 'host', 'promiscuous']);

export const endpointSettings = z.strictObject({ ...settingKeys([...portSettings, ...linkSettings]), offloads: onOff.optional() });

export const endpoint = z.strictObject({
  bridge: name,
  port: interfaceName.optional(),
  attach: attach.optional(),
  role: role.optional(),
  mac: oneOrMany(mac).optional(),
  ip: oneOrMany(ipPrefix).optional(),
  gateway: ipAddress.optional(),
  zone: name.optional(),
  started: onOff.optional(),
  netns: text.optional(),
  promiscuous: onOff.optional(),
  vlans: vlans.optional(),
  settings: endpointSettings.optional(),
});

const patternRule = 'expected a name in which {} stands for the number, such as "g{}"';
const numbered = z.string({ error: patternRule }).regex(/^[A-Za-z0-9._{}-]{1,63}$/, { error: patternRule });

export const generate = z.strictObject({
  count: whole(1, 4096),
  name: numbered,
  bridge: name,
  port: z.string({ error: patternRule }).min(1).max(63).optional(),
  role: role.optional(),
  attach: attach.optional(),
  ip: oneOrMany(ipPrefix).optional(),
  gateway: ipAddress.optional(),
  zone: numbered.optional(),
  started: onOff.optional(),
  promiscuous: onOff.optional(),
  vlans: vlans.optional(),
  settings: endpointSettings.optional(),
});

export const sysctl = z.record(title, z.union([z.string(), z.number(), z.boolean()], { error: 'expected a single value' }));

/** The topology's own keys; what hangs below is read piece by piece, so that a fault in one hides none in another. */
export const topologyShell = z.strictObject({
  provider: z.enum(['lab', 'host']).optional(),
  bridges: z.record(z.string(), z.unknown()),
  endpoints: z.record(z.string(), z.unknown()).optional(),
  generate: z.array(z.unknown()).optional(),
  sysctl: sysctl.optional(),
});

export const topology = topologyShell.extend({
  bridges: z.record(name, z.union([linuxBridge, ovsBridge])),
  endpoints: z.record(name, endpoint).optional(),
  generate: z.array(generate).optional(),
});
