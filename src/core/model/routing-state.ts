/** What decides the way of packets of one family, kept as iproute2 prints it. */
export interface FamilyRouting {
  /** `ip -j rule show`: the rules of policy routing, in the order in which the kernel asks them. */
  readonly rules: unknown;
  /**
   * Of `ip -j route show table all` the unicast routes and those that end a search: of table main those to taps and
   * veths, and those to what lies in the prefix of one; of the further tables all; without link-local ones.
   */
  readonly routes: unknown;
}

/** A policy of IPsec by which the host encrypts packets that it sends, as ip-xfrm(8) names its selectors. */
export interface EncryptingPolicy {
  /** Prefixes of addresses. */
  readonly src: string;
  readonly dst: string;
  /** `proto tcp dport 22`; '' = none. */
  readonly more: string;
}

/** What decides by which device a host sends a packet (ip-rule(8), ip-route(8)). */
export interface Routing {
  readonly ipv4: FamilyRouting;
  readonly ipv6: FamilyRouting;
  /** Tables of VRF devices, by name (ip-vrf(8)); absent = there are none. */
  readonly vrfs?: Readonly<Record<string, string>>;
  /** Absent = they could not be read, or nobody asked. */
  readonly policies?: readonly EncryptingPolicy[];
}

/** An entry of the neighbour table that the kernel may answer with (ip-neighbour(8)). */
export interface NeighbourState {
  readonly address: string;
  readonly mac: string;
  readonly device: string;
  /** A user or a program has set it; no guest was asked. */
  readonly isStatic: boolean;
}
