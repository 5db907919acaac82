import { stpOpenWeakness } from '../bridge/weaknesses/stp-open.js';
import type { AuditId } from '../model/codes.js';

/** What each finding of the audit means, whatever host it was found on. */
export const auditMeanings: Readonly<Record<AuditId, string>> = {
  'ageing-zero':
    'The bridge learns nothing: unicast between any two ports floods to every other, as on a hub. Set an ageing time.',
  'bridge-promiscuous':
    'The bridge device is held promiscuous: by a sniffer on the host, or a hypervisor that bridges the bridge. Find the process.',
  'behind-bridge': 'A guest is behind the bridge device, on no port: frames to it flood to every port.',
  'sniffer-on-host': 'A packet socket on the host receives what crosses the bridge. Find out whose it is.',
  'tc-mirror': 'A traffic-control rule copies or redirects frames of one port to another.',
  'nft-mirror': 'An nftables rule copies or forwards frames of one port to another.',
  'xdp-program': 'An XDP program handles frames before the bridge, so its settings do not show the whole way.',
  'bypass-possible':
    'A program, a rule or a process that is not known to be harmless can carry frames past every ear. A run is INCONCLUSIVE for it, unless `trust` in the step takes it on.',
  'learning-off': 'The port learns no addresses: frames to the guest flood, unless a static entry says where it is.',
  'isolated-one-sided': 'isolated acts between isolated ports only: one such port is separated from nobody.',
  'proxmox-firewall-port':
    'With the Proxmox firewall the port of the guest is fwpr…p…: flags set on tap…i… do nothing.',
  'declared-not-live':
    'The configuration of libvirt, Proxmox VE, netplan or ifupdown differs from what runs. Apply it, or restart the guest.',
  'fdb-limit': 'Frames to an address beyond the limit on learned entries flood: the limit fails open.',
  'unknown-flood': 'Unicast to an address that is not learned reaches the guest.',
  'host-forwards': 'The host forwards IP: guests that the bridge isolates may meet at its address.',
  'mcast-router-port': 'The port gets all multicast. One query of a guest is enough to become such a port.',
  'mac-bypass': 'MAC authentication bypass admits candidates by itself.',
  'backup-port': 'When the carrier of the port is lost its traffic goes to another port.',
  'stp-open': stpOpenWeakness.meaning,
  'mac-stealable':
    'The address of the guest is only learned: another sender with it gets the traffic. A static sticky entry, or a locked port, stops that.',
  'link-local-forwarded': 'Link-local frames (LLDP, EAPOL) pass the bridge.',
  'vlan-unfiltered': 'VLAN filtering is off: every frame passes everywhere, whatever its tags.',
  'no-querier': 'Multicast snooping without a querier forgets its members: multicast floods.',
  'multicast-flood': 'Multicast of groups that nobody joined reaches the guest.',
  hairpin: 'Frames of the guest may be sent back to its own port.',
  'broadcast-flood': 'Broadcast of others, ARP and DHCP among it, reaches the guest.',
  'not-locked': 'The port takes frames from any source address.',
  'neighbour-suppression': 'The host answers ARP and neighbour discovery for guests on this port.',
  'proxy-arp': 'The host answers ARP for guests on this port.',
  'netfilter-skipped': 'Bridged IP does not pass netfilter: a firewall of the host does not separate guests.',
  'not-forwarding': 'The port does not forward: nothing can be said of its guest.',
  'macvlan-bridge':
    'Guests on one lower device by macvlan or macvtap in mode bridge reach each other within the kernel, past bridges, rules and switch.',
  'routed-spoofable':
    'A guest on a tap or veth without a bridge may send from foreign addresses: reverse path filtering is off or loose.',
  'routed-local':
    'A guest on a tap or veth without a bridge may send from addresses of the host (accept_local), or reach its 127.0.0.0/8 (route_localnet).',
  'routed-open':
    'The host forwards between guests on taps and veths without a bridge, and no chain of nft at the hook forward decides.',
  'guests-unbridged':
    'Guests on a lower device, behind routes of the host, or on a bridge in another network namespace are not examined here. The fix is the command that does, if there is one.',
  'vmnet-writable': 'Everybody may write to the devices of VMware: guests may become promiscuous.',
  'vmnet-present': 'VMware networking is loaded: it may hold a bridge promiscuous.',
  'ovs-flooding': 'The Open vSwitch bridge floods where it should switch.',
  'ovs-mirror': 'A mirror of Open vSwitch copies traffic to another port.',
  'ovs-protected-one-sided': 'protected acts between protected ports only: one such port is separated from nobody.',
  'ovs-fail-open':
    'A bridge of Open vSwitch with a controller forwards by address once that is gone, unless fail_mode is secure.',
  'ovs-small-table':
    'The address table of the Open vSwitch bridge is smaller than usual: addresses without room in it flood.',
};

export function isAuditId(code: string): code is AuditId {
  return Object.hasOwn(auditMeanings, code);
}
