import type { AuditId, DriftCode, NoteCode } from '../../../core/model/codes.js';
import type { Carrier } from '../../../core/model/scenario.js';

export const verdictMeanings: Readonly<Record<string, string>> = {
  holds: 'No endpoint received frames meant for another, and every observer could have captured them.',
  broken: 'A frame reached an endpoint that must not receive it. Nothing overrides this.',
  inconclusive: 'A proof that HOLDS requires is missing, so it is not known whether isolation holds.',
  known: 'A leak that the run of --baseline had already, and nothing beyond.',
  reproduced: 'A demonstration showed the leak that it was meant to show.',
  unsupported: 'This kernel or this build cannot do what the step asks for, so it was not judged.',
};

/** Words in capitals that are no verdicts. */
export const answerMeanings: Readonly<Record<string, string>> = {
  exposed:
    'A bridge leaves this open to every guest by default. It is no leak; with run --strict it is BROKEN. The answer has its fix.',
  ready: 'run --dry-run did everything but send, and it worked.',
  works: 'The fix was tried: the leak is gone, and every endpoint still gets its own frames.',
  'works-in-part': 'The fix was tried: some of the rows leak no longer, others still do.',
  'still-leaks': 'The fix was tried: fewer frames of a probe leak than before, not none.',
  'no-effect': 'The fix was tried: as many frames leak as before, or nearly.',
  'cuts-off': 'The fix was tried: an endpoint no longer gets its own frames.',
  separates: 'The fix was tried: guests that it names no longer reach each other.',
  unproven: 'The fix was tried, and the evidence does not say what became of the leak.',
  failed: 'The fix was tried: the kernel refused its command.',
};

/** They change no verdict. */
export const noteMeanings: Readonly<Record<Exclude<NoteCode, AuditId>, string>> = {
  'br-netfilter':
    "Frames of these carriers pass the host's firewall also where they are bridged. It may stop them where it lets raw frames pass, so each carrier is judged by itself.",
  'nft-rules': 'Rules of nft may drop probes; then they are what keeps guests apart.',
  'tc-rules': 'Filters of tc act on what a guest sends or gets, the probes included.',
  offloads: 'Frames are changed by the network card or its driver. The note says what that means for the run.',
  'connections-nearly-full':
    'The table of connections is full to four fifths or more. A probe of IP that the firewall sees may take an entry, and a full table drops connections of guests. Raise net.netfilter.nf_conntrack_max, or run at another time.',
  'neighbours-nearly-full':
    'The table of neighbours is full to four fifths or more. When it is full, the host reaches no new one. Raise net.ipv4.neigh.default.gc_thresh3 and its IPv6 twin.',
  'intrusion-detection':
    'A program on this host listens for attacks and may take probes for one. Announce the run where its alarms arrive.',
  'processes-unseen':
    'The program runs in its own pid namespace and does not see processes outside. The kernel still counts their sockets.',
  rights:
    'A capability is missing that a run on a host takes. The note says what the run lacks without it; `doctor` lists all.',
  'not-examined': 'A guest, a bridge or a kind of network that this run does not ask about. The note says why.',
  unread: 'A part of the state that could not be read. It may hide a bypass.',
};

/** Changes that `watch` finds. */
export const driftMeanings: Readonly<Record<DriftCode, string>> = {
  'mirror-appeared': 'A copy of frames goes somewhere it did not go before.',
  'mirror-gone': 'A copy of frames is no longer made.',
  'bypass-appeared': 'Something that may carry frames past the ears is there now. See bypass-possible.',
  'bypass-gone': 'Something that may have carried frames past the ears is no longer there.',
  'sniffer-appeared': 'A program on the host listens to frames of the bridge now. See sniffer-on-host.',
  'sniffer-gone': 'A program on the host that listened to frames of the bridge no longer does.',
  'behind-bridge-appeared': 'There is a device behind a port of the bridge now, which gets what the port gets.',
  'behind-bridge-gone': 'A device behind a port of the bridge is no longer there.',
  'mac-moved': 'A MAC is learned on another port than before. Its guest moved, or another one claims it.',
  'entry-added':
    'A static entry was added to the forwarding database. A permanent one on a port cuts the guest with that MAC off.',
  'entry-gone': 'A static entry of the forwarding database was removed.',
  'sticky-gone': 'An entry of the forwarding database no longer holds its MAC on its port. Another guest may claim it.',
  'member-added': 'A static multicast membership was added. The port gets the frames to that group.',
  'member-gone': 'A static multicast membership was removed.',
  'router-port-appeared': 'A port is a multicast router port now, and gets every group. See mcast-router-port.',
  'router-port-gone': 'A port is no longer a multicast router port.',
  'rules-changed': 'Rules of a packet filter, or the VLANs of a port, changed. They may be what keeps guests apart.',
  'bridge-promiscuous':
    'Something bridges this bridge, or listens on it. Frames to the guest behind it flood to all ports.',
  'bridge-not-promiscuous': 'No program holds the bridge in promiscuous mode any more.',
  'port-joined': 'A port joined the bridge.',
  'port-left': 'A port left the bridge.',
  'port-state': 'A port forwards now and did not before, or the reverse.',
  'port-promiscuous': 'The promiscuous mode of a port changed.',
  'setting-changed': 'A setting of the bridge or of a port is no longer as it was.',
  'sysctl-changed': 'A sysctl that says what the host forwards or filters changed.',
  'vmnet-changed': "A device of VMware's networking has another mode or owner. It says who may bridge a network.",
  'bridge-appeared': 'There is a bridge that was not there before.',
  'bridge-gone': 'A bridge is no longer there.',
  unread: 'A part of the state could be read before, and cannot now.',
};

/** Vulnerabilities in scenarios or audits. */
export const cveMeanings: Readonly<Record<string, string>> = {
  'cve-2019-15753':
    'OpenStack os-vif 1.15.0 to 1.16.0 set the ageing time of bridges to 0. They learned nothing and were hubs. See ageing-zero.',
  'cve-2021-27853':
    'Filters of switches were passed by frames with a VLAN tag of VID 0 and LLC/SNAP headers (CERT VU#855201). See vlan-hop, ra-spoof.',
  'cve-2021-27854':
    'Frames with a VLAN tag of VID 0, LLC/SNAP headers and Wi-Fi’s translation to Ethernet passed filters (CERT VU#855201). See vlan-hop.',
  'cve-2021-27861':
    'Filters were passed by LLC/SNAP headers with a wrong length (CERT VU#855201). See ra-spoof, arp-spoof.',
  'cve-2021-27862':
    'Filters were passed by LLC/SNAP headers with a wrong length, translated to Ethernet (CERT VU#855201). See ra-spoof, arp-spoof.',
};

/** Values of `expect`. */
export const expectationMeanings: Readonly<Record<string, string>> = {
  holds: 'The step has to hold: only the addressee sees the frames, and it does see them.',
  separated: 'The step has to hold, and the addressee must not get the frames either.',
  leak: 'A demonstration: the step has to leak, else the exit status is 4.',
};

/** Forms of a probe behind the Ethernet header. */
export const carrierMeanings: Readonly<Record<Carrier, string>> = {
  raw: 'A frame of an EtherType of its own: no filter of IP or ARP looks at it.',
  arp: 'An ARP packet.',
  'ipv4-udp': 'A UDP datagram in IPv4.',
  'ipv4-tcp': 'A TCP segment in IPv4.',
  'ipv4-icmp': 'An ICMP message in IPv4.',
  'ipv6-udp': 'A UDP datagram in IPv6.',
  'ipv6-icmp': 'An ICMPv6 message in IPv6.',
};
