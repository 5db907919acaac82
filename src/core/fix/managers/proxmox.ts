import { word } from '../../text/escape.js';
import { commandOf } from '../command-of.js';
import { type Form, type FormPart, type ManagerOf, plainBlock, sortPortWishes, type Wanted } from '../wanted.js';

type Nic = ManagerOf<'Proxmox VE'>;

const managesTable =
  "Proxmox VE then turns learning and flood off on its guests' ports and adds entries for the MACs (since 7.3)";

/** A script that Proxmox VE runs after the guest's start (its administration guide, "Hookscripts"). */
function hookscript({ device, program, id, hookscript }: Nic, wanted: readonly Wanted[], why: string): FormPart {
  const script = `isolation-${id}.sh`;
  const isOurs = hookscript === undefined || hookscript.endsWith(`/${script}`);
  return {
    by: 'Proxmox VE',
    device,
    where: `/var/lib/vz/snippets/${script}`,
    form: {
      head: ['#!/bin/sh', `[ "$1 $2" = '${id} post-start' ] || exit 0`],
      blocks: wanted.map((wish) => plainBlock(commandOf(wish, word(device)))),
    },
    apply: `chmod 755 it; ${program} set ${id} --hookscript local:snippets/${script}; start the guest anew. The storage local has to allow snippets`,
    note: isOurs
      ? why
      : `${why}; the guest has the hookscript ${hookscript}, and can have one only: write one that calls both`,
  };
}

function isolation(nic: Nic, wanted: readonly Wanted[]): FormPart {
  if (!nic.isVnet) return hookscript(nic, wanted, `${nic.bridge} is no VNet: only VNets have the option isolate-ports`);
  return {
    by: 'Proxmox VE',
    device: nic.device,
    where: `the VNet ${nic.bridge}: Datacenter, SDN, VNets, Isolate Ports`,
    form: `pvesh set /cluster/sdn/vnets/${word(nic.bridge)} --isolate-ports 1 && pvesh set /cluster/sdn`,
    apply: 'start its guests anew',
    note: 'it isolates the ports of all guests of this VNet from one another, on each node by itself',
  };
}

function tableManaged(nic: Nic, wanted: readonly Wanted[]): FormPart {
  if (nic.isVnet)
    return hookscript(
      nic,
      wanted,
      `${nic.bridge} is a VNet: bridge-disable-mac-learning is an option of its zone, for the types VLAN and QinQ only`,
    );
  return {
    by: 'Proxmox VE',
    device: nic.device,
    where: `/etc/network/interfaces, below iface ${nic.bridge}`,
    form: '        bridge-disable-mac-learning 1',
    apply: 'ifreload -a, then start the guests anew',
    note: managesTable,
  };
}

/** The firewall's own filter of source MACs (`firewall=1`, macfilter of the guest's .fw file). */
function macFilter({ device, program, id, nic, value }: Nic): FormPart {
  const on = value
    .split(',')
    .filter((part) => !part.startsWith('firewall='))
    .concat('firewall=1')
    .join(',');
  return {
    by: 'Proxmox VE',
    device,
    where: `/etc/pve/firewall/${id}.fw`,
    form: ['[OPTIONS]', 'enable: 1', 'macfilter: 1', 'policy_in: ACCEPT'].join('\n'),
    apply: `${program} set ${id} --${nic} ${word(on)}, and the firewall on for the datacenter (enable: 1 in /etc/pve/firewall/cluster.fw)`,
    note: "the firewall drops what has another source MAC; that takes the place of locked, which Proxmox VE does not know. The guest's port is then fwpr<ID>p<N>",
  };
}

/** isolate-ports, bridge-disable-mac-learning, macfilter, else a hookscript. */
export const proxmoxForm: Form<Nic> = (nic, wanted) => {
  const { isolated, locked, table, rest } = sortPortWishes(wanted);
  return [
    ...(isolated.length === 0 ? [] : [isolation(nic, isolated)]),
    ...(locked ? [macFilter(nic)] : []),
    ...(table.length === 0 || locked ? [] : [tableManaged(nic, table)]),
    ...(rest.length === 0 ? [] : [hookscript(nic, rest, 'Proxmox VE has no option for it')]),
  ];
};
