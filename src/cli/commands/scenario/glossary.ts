import type { Carrier } from '../../../core/model/scenario.js';

/** Verdicts, as reports write them. */
export const verdictMeanings: Readonly<Record<string, string>> = {
  holds: 'Nobody received what was not meant for it, and everybody who was asked could have heard it.',
  broken: 'A frame reached somebody for whom it was not meant. Nothing takes that back.',
  inconclusive: 'Something that a HOLDS takes is missing, so it is not known whether isolation holds.',
  known: 'A leak that the run of --baseline had already, and nothing beyond.',
  reproduced: 'A demonstration showed the leak that it was meant to show.',
  unsupported: 'This kernel or this build cannot do what the step asks for, so it was not judged.',
};

/** Words of answers that are no verdicts, in capitals there. */
export const answerMeanings: Readonly<Record<string, string>> = {
  exposed:
    'A bridge leaves this open to every guest by default. It is no leak; with run --strict it is BROKEN. The answer has its fix.',
  ready: 'run --dry-run did everything but send, and it worked.',
  works: 'The fix was tried: the leak is gone, and everybody still gets what is meant for them.',
  'works-in-part': 'The fix was tried: some of the rows leak no longer, others still do.',
  'still-leaks': 'The fix was tried: fewer frames of a probe leak than before, not none.',
  'no-effect': 'The fix was tried: as many frames leak as before, or nearly.',
  'cuts-off': 'The fix was tried: somebody no longer gets what is meant for them.',
  separates: 'The fix was tried: guests that it names no longer reach each other.',
  unproven: 'The fix was tried, and the evidence does not say what became of the leak.',
};

/** Vulnerabilities that a scenario of this program shows, or that its audit finds. */
export const cveMeanings: Readonly<Record<string, string>> = {
  'cve-2019-15753':
    'OpenStack os-vif 1.15.0 to 1.16.0 set the ageing time of bridges to 0, so that they learned nothing and were hubs. See ageing-zero.',
  'cve-2021-27853':
    'Filters of switches were passed by frames with a VLAN tag of VID 0 and LLC/SNAP headers (CERT VU#855201). See vlan-hop, ra-spoof.',
  'cve-2021-27854':
    'Filters were passed by frames with a VLAN tag of VID 0, LLC/SNAP headers and a translation to Ethernet as Wi-Fi makes it (CERT VU#855201). See vlan-hop.',
  'cve-2021-27861':
    'Filters were passed by LLC/SNAP headers with a wrong length (CERT VU#855201). See ra-spoof, arp-spoof.',
  'cve-2021-27862':
    'Filters were passed by LLC/SNAP headers with a wrong length, translated to Ethernet (CERT VU#855201). See ra-spoof, arp-spoof.',
};

/** What a step may expect. */
export const expectationMeanings: Readonly<Record<string, string>> = {
  holds: 'The step has to hold: nobody but the addressee sees the frames, and the addressee does.',
  separated: 'The step has to hold, and the addressee must not get the frames either.',
  leak: 'A demonstration: the step has to leak, else the exit status is 4.',
};

/** Exit statuses of this program. */
export const statusMeanings: Readonly<Record<string, string>> = {
  0: 'Everything came out as expected.',
  2: 'Broken: there is a leak beyond what was expected.',
  3: 'Inconclusive: the evidence does not carry a verdict.',
  4: 'An expected leak did not show.',
  64: 'The command line or a scenario is wrong.',
  69: 'This machine lacks a right, a kernel feature or a program, which is named.',
  70: 'A fault in the program.',
};

/** What carries a probe: the form of its frame behind the Ethernet header. */
export const carrierMeanings: Readonly<Record<Carrier, string>> = {
  raw: 'A frame of an EtherType of its own: no filter of IP or ARP looks at it.',
  arp: 'An ARP packet.',
  'ipv4-udp': 'A UDP datagram in IPv4.',
  'ipv4-tcp': 'A TCP segment in IPv4.',
  'ipv4-icmp': 'An ICMP message in IPv4.',
  'ipv6-udp': 'A UDP datagram in IPv6.',
  'ipv6-icmp': 'An ICMPv6 message in IPv6.',
};
