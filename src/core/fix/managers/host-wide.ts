import type { PersistentFix } from '../../model/fix.js';
import type { Wanted } from '../wanted.js';

/**
 * What is not a manager's of guests: sysctls (sysctl.d(5)), rules of nft (nft(8)), Open vSwitch, which keeps its own
 * database. Nothing for other wants.
 */
export function hostWideForm(wanted: readonly Wanted[]): readonly PersistentFix[] {
  const sysctls = wanted.flatMap((wish) => (wish.kind === 'sysctl' ? [`${wish.name} = ${wish.value}`] : []));
  const rules = wanted.flatMap((wish) => (wish.kind === 'nft' ? [wish.rule] : []));
  const programs = new Set(wanted.flatMap((wish) => (wish.kind === 'ovs' ? [wish.program] : [])));
  return [
    ...(sysctls.length === 0
      ? []
      : [
          {
            by: 'sysctl.d',
            device: null,
            where: '/etc/sysctl.d/90-isolation.conf',
            form: sysctls.join('\n'),
            apply: 'sysctl --system',
            note: 'libvirt turns forwarding on again when it starts a network with <forward>',
          },
        ]),
    ...(rules.length === 0
      ? []
      : [
          {
            by: 'nftables',
            device: null,
            where: '/etc/nftables.conf, at its end',
            form: rules.join('\n'),
            apply: 'systemctl enable nftables',
            note: '',
          },
        ]),
    ...(programs.has('ovs-vsctl')
      ? [
          {
            by: 'Open vSwitch',
            device: null,
            where: 'its database',
            form: '',
            apply: 'nothing: what ovs-vsctl sets stays',
            note: '',
          },
        ]
      : []),
    ...(programs.has('ovs-ofctl')
      ? [
          {
            by: 'Open vSwitch',
            device: null,
            where: '',
            form: '',
            apply: '',
            note: 'flows and flags of ports are not in its database: the controller, or a unit of systemd after openvswitch-switch.service, has to set them again',
          },
        ]
      : []),
  ];
}
