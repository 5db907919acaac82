import { fileWord, word } from '../../text/escape.js';
import { commandOf } from '../command-of.js';
import { type Form, type FormPart, type ManagerOf, plainBlock, sortPortWishes, type Wanted } from '../wanted.js';

type Guest = Extract<ManagerOf<'libvirt'>, { readonly keeps: 'guest' }>;

const managesTable =
  'libvirt then turns learning and flood off on these ports and adds entries for the MACs (libvirt.org/formatnetwork.html, macTableManager, since 1.2.11); it also sets vlan_filtering';

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;');
}

function inInterface(guest: Guest, form: string, note: string): FormPart {
  return {
    by: 'libvirt',
    device: guest.device,
    where: `virsh edit ${word(guest.guest)}, in the <interface> with <mac address='${guest.mac}'/>`,
    form,
    apply: 'shut the guest down and start it',
    note,
  };
}

/** libvirt keeps entries, learning and flood together, for a network. */
function tableManaged(guest: Guest): FormPart {
  const bridge = `<bridge name='${escapeXml(guest.bridge)}' macTableManager='libvirt'/>`;
  if (guest.network !== null) {
    const network = word(guest.network);
    return {
      by: 'libvirt',
      device: guest.device,
      where: `virsh net-edit ${network}: the attribute macTableManager of its <bridge>`,
      form: bridge,
      apply: `virsh net-destroy ${network} && virsh net-start ${network}, then start its guests anew`,
      note: managesTable,
    };
  }
  const name = `${guest.bridge}-table`;
  return {
    by: 'libvirt',
    device: guest.device,
    where: `${fileWord(name)}.xml, a network of libvirt for the bridge that is there`,
    form: [
      '<network>',
      `  <name>${escapeXml(name)}</name>`,
      "  <forward mode='bridge'/>",
      `  ${bridge}`,
      '</network>',
    ].join('\n'),
    apply: `virsh net-define ${fileWord(name)}.xml && virsh net-autostart ${word(name)} && virsh net-start ${word(name)}, then virsh edit ${word(guest.guest)}: <interface type='network'> with <source network='${escapeXml(name)}'/>, and start the guest anew`,
    note: managesTable,
  };
}

/** libvirt.org/hooks.html, folders since 6.5.0. */
function hook(
  what: 'qemu' | 'network',
  name: string,
  device: string,
  lines: readonly string[],
  note: string,
): FormPart {
  const daemon = what === 'qemu' ? 'virtqemud' : 'virtnetworkd';
  return {
    by: 'libvirt',
    device,
    where: `/etc/libvirt/hooks/${what}.d/${fileWord(name)}-isolation`,
    form: {
      head: ['#!/bin/sh', `[ "$1 $2" = ${word(`${name} started`)} ] || exit 0`],
      blocks: [plainBlock(lines.join('\n'))],
    },
    apply: `chmod 755 it; systemctl restart ${daemon}, or libvirtd; then start the ${what === 'qemu' ? 'guest' : 'network'} anew`,
    note,
  };
}

/** The port's name changes with each start. Its MAC has first byte fe. */
function guestHook(guest: Guest, wanted: readonly Wanted[]): FormPart {
  const lines = [
    `ip -br link show master ${word(guest.bridge)} | awk '$3 == "fe${guest.mac.slice(2)}" { sub(/@.*/, "", $1); print $1 }' | while read -r port; do`,
    ...wanted.map((wish) => `  ${commandOf(wish, '"$port"')}`),
    'done',
  ];
  return hook('qemu', guest.guest, guest.device, lines, "libvirt's XML has no option for it");
}

/** libvirt's XML options (formatdomain.html, formatnetwork.html, formatnwfilter.html), else hooks. */
export const libvirtForm: Form<ManagerOf<'libvirt'>> = (manager, wanted) => {
  if (manager.keeps === 'network')
    return [
      hook(
        'network',
        manager.network,
        manager.device,
        wanted.map((wish) => commandOf(wish, word(manager.device))),
        "libvirt's XML has no option for it",
      ),
    ];
  const { isolated, locked, table, rest } = sortPortWishes(wanted);
  return [
    ...(isolated.length === 0
      ? []
      : [inInterface(manager, "<port isolated='yes'/>", 'it acts between ports that both have it (since 6.1.0)')]),
    ...(locked
      ? [
          inInterface(
            manager,
            "<filterref filter='no-mac-spoofing'/>",
            'a filter that drops what has another source MAC takes the place of locked, which the XML does not know',
          ),
        ]
      : []),
    ...(table.length === 0 || locked ? [] : [tableManaged(manager)]),
    ...(rest.length === 0 ? [] : [guestHook(manager, rest)]),
  ];
};
