import type { PersistentFix } from '../../model/fix.js';
import type { Wanted } from '../wanted.js';

function hostFile(lines: readonly string[], file: Omit<PersistentFix, 'device' | 'form'>): readonly PersistentFix[] {
  return lines.length === 0 ? [] : [{ ...file, device: null, form: lines.join('\n') }];
}

/** modules-load.d(5), sysctl.d(5), nft(8) and Open vSwitch's database. */
export function hostWideForm(wanted: readonly Wanted[]): readonly PersistentFix[] {
  const modules = wanted.flatMap((wish) => (wish.kind === 'module' ? [wish.name] : []));
  const sysctls = wanted.flatMap((wish) => (wish.kind === 'sysctl' ? [`${wish.name} = ${wish.value}`] : []));
  const rules = wanted.flatMap((wish) => (wish.kind === 'nft' ? [wish.rule] : []));
  const programs = new Set(wanted.flatMap((wish) => (wish.kind === 'ovs' ? [wish.program] : [])));
  return [
    ...hostFile(modules, {
      by: 'modules-load.d',
      where: '/etc/modules-load.d/90-isolation.conf',
      apply: 'at the next boot, before sysctl.d; until then the command does',
      note: modules.includes('br_netfilter')
        ? 'loading it sets bridge-nf-call-iptables, -ip6tables and -arptables to 1'
        : '',
    }),
    ...hostFile(sysctls, {
      by: 'sysctl.d',
      where: '/etc/sysctl.d/90-isolation.conf',
      apply: 'sysctl --system',
      note: 'libvirt turns forwarding on again when it starts a network with <forward>',
    }),
    ...hostFile(rules, {
      by: 'nftables',
      where: '/etc/nftables.conf, at its end',
      apply: 'systemctl enable nftables',
      note: '',
    }),
    ...(programs.has('ovs-vsctl')
      ? [
          {
            by: 'Open vSwitch',
            device: null,
            where: 'its database',
            form: '',
            apply: 'nothing: settings of ovs-vsctl stay',
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
