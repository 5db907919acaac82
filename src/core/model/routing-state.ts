/** Routing of one family, as iproute2 prints it. */
export interface FamilyRouting {
  /** `ip -j rule show`, in the kernel's order. */
  readonly rules: unknown;
  /**
   * Of `ip -j route show table all`: unicast routes and those that end a search. Of table main only those to taps and
   * veths, and into the prefix of one; no link-local ones.
   */
  readonly routes: unknown;
}

/** A policy of IPsec that encrypts packets of the host; selectors as in ip-xfrm(8). */
export interface EncryptingPolicy {
  /** Prefixes. */
  readonly src: string;
  readonly dst: string;
  /** `proto tcp dport 22`; '' = none. */
  readonly more: string;
}

/** The host's choice of a packet's device (ip-rule(8), ip-route(8)). */
export interface Routing {
  readonly ipv4: FamilyRouting;
  readonly ipv6: FamilyRouting;
  /** Tables of VRF devices, by name (ip-vrf(8)); absent = none. */
  readonly vrfs?: Readonly<Record<string, string>>;
  /** Absent = not read. */
  readonly policies?: readonly EncryptingPolicy[];
}

/** A neighbour entry that the kernel may answer with (ip-neighbour(8)). */
export interface NeighbourState {
  readonly address: string;
  readonly mac: string;
  readonly device: string;
  /** Set by a user or program, not learned from a guest. */
  readonly isStatic: boolean;
}
