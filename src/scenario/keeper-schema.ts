import { z } from 'zod';
import { interfaceName, mac, onOff, text, whole } from '../core/scenario/schema/values.js';

const device = interfaceName.describe('The bridge or port.');
const bridge = text.describe('Its bridge.');
const file = text.describe('Where it stands.');

/** Who keeps a device, as core/model/persistent-fix.ts has it: the values of `by`, and of libvirt `keeps`, tell the kinds apart. */
export const keeper = z.union([
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
