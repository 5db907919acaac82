import type { Reading } from '../model/reading.js';
import type { BridgeView } from './bridge-view.js';
import { fieldsOf, objectsOf, objectsWithin, textOf } from './fields.js';

/** What acts on frames beside the bridge's own settings. */
export interface Diversions {
  /** Copies that tc makes, by device. */
  readonly copies: readonly { readonly from: string; readonly to: string }[];
  /** Something may stop frames. */
  readonly filter: string | null;
  /** Something may carry them elsewhere. */
  readonly program: string | null;
  /** A port acts as multicast router: somebody asks for members. */
  readonly querier: boolean;
  /** It could not be read. */
  readonly unread: string | null;
}

export function diversionsOf(view: BridgeView, { state }: Reading): Diversions {
  const unread = state.unread.find(({ what }) => ['tc', 'nft', 'fdb'].includes(what));
  const filters = Object.entries(fieldsOf(fieldsOf(state.tc)?.['filters']) ?? {}).filter(([key]) => view.devices.has(key.slice(0, key.lastIndexOf(' '))));
  const copies = filters.flatMap(([key, value]) => [...objectsWithin(value)].filter(({ kind }) => kind === 'mirred').map((action) => ({ from: key.slice(0, key.lastIndexOf(' ')), to: textOf(action['to_dev']) ?? '' })));
  const rules = objectsOf(fieldsOf(state.nft)?.['nftables']).flatMap((part) => objectsOf([part['rule']]));
  const diverting = rules.some((rule) => objectsOf(rule['expr']).some((expression) => 'dup' in expression || 'fwd' in expression));
  const xdp = [view.link, ...view.ports.map(({ link }) => link)].some((link) => link.xdp !== undefined);
  const tcActs = filters.some(([, value]) => [...objectsWithin(value)].some((one) => 'actions' in one || 'options' in one));
  return {
    copies,
    filter: rules.length > 0 ? 'rules of nft may stop it' : tcActs ? 'filters of tc may stop it' : xdp ? 'an XDP program may stop it' : null,
    program: diverting ? 'a rule of nft may carry it elsewhere' : xdp ? 'an XDP program may carry it elsewhere' : tcActs && copies.some(({ to }) => !view.devices.has(to)) ? 'a filter of tc carries frames elsewhere' : null,
    querier: objectsOf(state.mdb).some((part) => objectsOf(fieldsOf(part['router'])?.[view.name]).length > 0),
    unread: unread === undefined ? null : `${unread.what} could not be read`,
  };
}
