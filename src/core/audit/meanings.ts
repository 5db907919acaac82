import { stpOpenWeakness } from '../bridge/weaknesses/stp-open.js';
import type { bridgeRules, hostRules } from './rules.js';

export type AuditId = keyof typeof bridgeRules | keyof typeof hostRules;

/** What each finding of the audit means, whatever host it was found on. */
export const auditMeanings: Readonly<Record<AuditId, string>> = {
  'ageing-zero':
    'The bridge learns nothing, so unicast between any two ports floods to every other: it is a hub. Set an ageing time.',
  'bridge-promiscuous':
    'Something holds the bridge device promiscuous: a sniffer on the host, or a hypervisor that bridges the bridge. Find out which process it is.',
  'behind-bridge':
    'A guest hangs behind the bridge device instead of on a port. What is sent to it is never learned and floods to every port.',
  'sniffer-on-host': 'A packet socket on the host receives what crosses the bridge. Find out whose it is.',
  'tc-mirror': 'A traffic-control rule copies or redirects frames of one port to another.',
  'nft-mirror': 'An nftables rule copies or forwards frames of one port to another.',
  'xdp-program': 'An XDP program handles frames before the bridge does: the bridge settings do not show the whole way.',
  'bypass-possible':
    'Something that is not known to be harmless can carry frames of the bridge past every ear: a program, a rule, an action, a process with a packet socket. While it stands there a run on the bridge is INCONCLUSIVE for this reason, unless `trust` in the step takes it on. `xdp-program` and `sniffer-on-host` report what stands at the bridge and its ports.',
  'learning-off':
    'The port learns no addresses, so what is sent to the guest behind it floods, unless a static entry says where it is.',
  'isolated-one-sided':
    'isolated blocks between isolated ports only: one isolated port alone is not separated from anybody.',
  'proxmox-firewall-port':
    'With the Proxmox firewall on, the port of the guest is fwpr…p…, not tap…i…: flags set on the tap do nothing.',
  'declared-not-live':
    'The configuration of libvirt, Proxmox VE, netplan or ifupdown says something else than what runs: it was changed since, or never took effect. Apply it, or restart the guest.',
  'fdb-limit':
    'With a limit on learned entries frames to an address beyond the limit are flooded: the limit fails open.',
  'unknown-flood': 'Unicast to an address that is not learned reaches the guest.',
  'host-forwards':
    'The host forwards IP: guests that are isolated from each other on the bridge may meet at its address.',
  'mcast-router-port': 'The port gets all multicast. One query of a guest is enough to become such a port.',
  'mac-bypass': 'MAC authentication bypass admits candidates by itself.',
  'backup-port': 'When the carrier of the port is lost its traffic goes to another port.',
  'stp-open': stpOpenWeakness.meaning,
  'mac-stealable':
    'The address of the guest is only learned: another guest that sends with it gets its traffic. A static sticky entry, or a locked port, stops that.',
  'link-local-forwarded': 'Link-local frames (LLDP, EAPOL) pass the bridge.',
  'vlan-unfiltered': 'VLAN filtering is off: tags are ignored and tagged frames pass everywhere.',
  'no-querier': 'Multicast snooping without a querier forgets its members: multicast floods.',
  'multicast-flood': 'Multicast of groups that nobody joined reaches the guest.',
  hairpin: 'Frames of the guest may be sent back to its own port.',
  'broadcast-flood': 'Broadcast of others, ARP and DHCP among it, reaches the guest.',
  'not-locked': 'The port takes frames from any source address.',
  'neighbour-suppression': 'The host answers ARP and neighbour discovery for guests on this port.',
  'proxy-arp': 'The host answers ARP for guests on this port.',
  'netfilter-skipped':
    'Bridged IP does not pass the netfilter rules of the host: a firewall there does not separate guests.',
  'not-forwarding': 'The port does not forward now: nothing can be said about the guest behind it.',
  'macvlan-bridge':
    'Guests on one lower device by macvlan or macvtap in mode bridge reach each other within the kernel, whatever bridges, their rules and the switch say.',
  'routed-spoofable':
    'A guest on a tap or veth without a bridge may send from addresses of others: reverse path filtering is off at its device, or loose.',
  'routed-local':
    'A guest on a tap or veth without a bridge may send from addresses of the host (accept_local), or reach 127.0.0.0/8 of the host (route_localnet).',
  'routed-open':
    'The host forwards between guests on taps and veths without a bridge, and no chain of nft at the hook forward decides who reaches whom.',
  'guests-unbridged':
    'Guests on a lower device (macvlan, macvtap, ipvlan) or behind routes of the host, or a bridge in another network namespace: a run on the bridges here says nothing of them. The fix is the command that examines it, where there is one.',
  'vmnet-writable': 'Everybody may write to the devices of VMware: guests may become promiscuous.',
  'vmnet-present': 'VMware networking is loaded on this host: it may hold a bridge promiscuous.',
  'ovs-flooding': 'The Open vSwitch bridge floods where it should switch.',
  'ovs-mirror': 'A mirror of Open vSwitch copies traffic to another port.',
  'ovs-protected-one-sided':
    'protected blocks between protected ports only: one protected port alone is not separated from anybody.',
  'ovs-fail-open':
    'An Open vSwitch bridge with a controller forwards by address alone once the controller is gone, unless fail_mode is secure.',
  'ovs-small-table':
    'The address table of the Open vSwitch bridge is smaller than usual: addresses that find no room in it are flooded to.',
};

export function isAuditId(code: string): code is AuditId {
  return Object.hasOwn(auditMeanings, code);
}
