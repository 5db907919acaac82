import type { FrameForm } from '../../model/plan.js';
import type { FormBuilder } from './form-builder.js';
import { arpReply } from './forms/arp-reply.js';
import { bpdu } from './forms/bpdu.js';
import { dhcpOffer } from './forms/dhcp-offer.js';
import { extensionHeader } from './forms/extension-header.js';
import { firstFragment, laterFragment } from './forms/fragments.js';
import { igmpQuery, mldQuery } from './forms/group-queries.js';
import { llcSnap } from './forms/llc-snap.js';
import { neighbourAdvertisement, routerAdvertisement } from './forms/neighbour-discovery.js';
import { serviceTag } from './forms/service-tag.js';
import { sourceSweep } from './forms/source-sweep.js';

/** Every form of frame beyond the carriers' plain ones. A new one is one file and one line here. */
export const forms: Readonly<Record<FrameForm, FormBuilder>> = {
  '802.1ad': serviceTag,
  'llc-snap': llcSnap,
  'first-fragment': firstFragment,
  'later-fragment': laterFragment,
  'extension-header': extensionHeader,
  'source-sweep': sourceSweep,
  'arp-reply': arpReply,
  'router-advertisement': routerAdvertisement,
  'neighbour-advertisement': neighbourAdvertisement,
  'dhcp-offer': dhcpOffer,
  'igmp-query': igmpQuery,
  'mld-query': mldQuery,
  bpdu,
};
