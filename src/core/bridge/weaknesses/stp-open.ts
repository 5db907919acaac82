import { word } from '../../text/escape.js';

/** Meaning and fixes of `stp-open`, a cause of leaks and a finding of the audit: both advise the same. */
export const stpOpenWeakness = {
  meaning: 'Nothing keeps a guest’s BPDUs from the bridge, or with STP off from the other guests.',
  /**
   * With STP on: the guest cannot become the root of the tree. BPDU guard would do, too, but takes the port down at the
   * first BPDU.
   */
  refuseRoot: (port: string): string => `bridge link set dev ${word(port)} root_block on`,
  /** With STP off, where BPDUs are data: the port hands none on. */
  dropBpdus: (port: string): string =>
    [
      'nft add table bridge guard',
      `nft 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'`,
      `nft add rule bridge guard ingress iifname ${word(port)} ether daddr 01:80:c2:00:00:00 drop`,
    ].join(' && '),
} as const;
