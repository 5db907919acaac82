import type { FrameForm } from '../model/plan.js';
import type { Carrier } from '../model/scenario.js';

/**
 * The forms in which a spoofed datagram comes: plain, in parts, and behind an extension header, since filters that look
 * at one miss another.
 */
export function envelopes(carrier: Carrier): readonly { readonly variant?: string; readonly form?: FrameForm }[] {
  switch (carrier) {
    case 'raw':
    case 'arp':
      return [{}];
    case 'ipv4-udp':
    case 'ipv4-tcp':
    case 'ipv4-icmp':
      return [{ variant: 'plain' }, ...named(['first-fragment', 'later-fragment'])];
    case 'ipv6-udp':
    case 'ipv6-icmp':
      return [{ variant: 'plain' }, ...named(['first-fragment', 'later-fragment', 'extension-header'])];
  }
}

function named(forms: readonly FrameForm[]): readonly { readonly variant: string; readonly form: FrameForm }[] {
  return forms.map((form) => ({ variant: form, form }));
}
