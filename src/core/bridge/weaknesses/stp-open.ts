import type { Change } from '../../model/fabric.js';
import { execute, setPort } from '../changes.js';

/** Meaning and fixes of `stp-open`, a cause of leaks and a finding of the audit: both advise the same. */
export const stpOpenWeakness = {
  meaning: 'Nothing keeps a guest’s BPDUs from the bridge, or with STP off from the other guests.',
  /**
   * With STP on: the guest cannot become the root of the tree. BPDU guard would do, too, but takes the port down at the
   * first BPDU.
   */
  refuseRoot: (port: string): readonly Change[] => [setPort(port, 'root_block', true)],
  /** With STP off, where BPDUs are data: the port hands none on. */
  dropBpdus: (port: string): readonly Change[] => [
    execute('nft', 'add', 'table', 'bridge', 'guard'),
    execute('nft', 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'),
    execute(
      ...['nft', 'add', 'rule', 'bridge', 'guard', 'ingress'],
      ...['iifname', port, 'ether', 'daddr', '01:80:c2:00:00:00', 'drop'],
    ),
  ],
} as const;
