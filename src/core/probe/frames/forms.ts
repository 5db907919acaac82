import { type FrameForm, isHexForm, type NamedForm } from '../../model/plan.js';
import type { Carrier } from '../../model/scenario.js';
import type { FormBuilder } from './form-builder.js';
import { arpReplyForm } from './forms/arp-reply.js';
import { bpduForm } from './forms/bpdu.js';
import { dhcpOfferForm } from './forms/dhcp-offer.js';
import { extensionHeaderForm } from './forms/extension-header.js';
import { firstFragmentForm, laterFragmentForm } from './forms/fragments.js';
import { igmpQueryForm, mldQueryForm } from './forms/group-queries.js';
import { hexBuilder } from './forms/hex.js';
import { llcSnapForm, serviceTagForm } from './forms/llc-snap.js';
import { neighbourAdvertisementForm, routerAdvertisementForm } from './forms/neighbour-discovery.js';
import { sourceSweepForm } from './forms/source-sweep.js';
import { unreachableForm } from './forms/unreachable.js';

/** Forms beyond the carriers' plain frames. A new one takes a file and a line here. */
export const forms: Readonly<Record<NamedForm, FormBuilder>> = {
  '802.1ad': serviceTagForm,
  'llc-snap': llcSnapForm,
  'first-fragment': firstFragmentForm,
  'later-fragment': laterFragmentForm,
  'extension-header': extensionHeaderForm,
  'source-sweep': sourceSweepForm,
  'arp-reply': arpReplyForm,
  'router-advertisement': routerAdvertisementForm,
  'neighbour-advertisement': neighbourAdvertisementForm,
  'dhcp-offer': dhcpOfferForm,
  'igmp-query': igmpQueryForm,
  'mld-query': mldQueryForm,
  bpdu: bpduForm,
  unreachable: unreachableForm,
};

export function builderOf(form: FrameForm): FormBuilder {
  return isHexForm(form) ? hexBuilder(form) : forms[form];
}

/** Forms of a spoofed datagram: plain, in parts, and behind an extension header, as filters may miss one. */
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
