import { execute } from '../../bridge/changes.js';
import { readFrom } from '../../bridge/view.js';
import type { Fix } from '../../model/fabric.js';
import type { HostState } from '../../model/state.js';
import { fieldsOf, objectsOf, objectsWithin, textOf } from '../../text/json-text.js';
import type { BridgeRule } from '../rule.js';

/** tc's action mirred carries frames of a device to another one (tc-mirred(8)). */
export const tcMirrorRule: BridgeRule = ({ devices }, { state }) =>
  Object.entries(fieldsOf(fieldsOf(state.tc)?.['filters']) ?? {}).flatMap(([key, filters]) => {
    const [device = '', place = ''] = splitLast(key);
    if (!devices.has(device)) return [];
    return [...objectsWithin(filters)]
      .filter((action) => action['kind'] === 'mirred')
      .map(
        (action) =>
          ({
            severity: 'high',
            place: `${device} ${place}`,
            value: `mirred ${textOf(action['direction']) ?? ''} ${textOf(action['mirred_action']) ?? ''} to ${textOf(action['to_dev']) ?? '?'}`,
            readFrom: readFrom.tc,
            text: `frames of ${device} are carried to ${textOf(action['to_dev']) ?? 'another device'}, which no attribute of a link shows`,
            probe: 'known-unicast',
            fix: { changes: [execute('tc', 'filter', 'del', 'dev', device, place)] },
          }) as const,
      );
  });

/** A statement of nft that carries frames to another device: where it stands, and how to take it away. */
interface NftCopy {
  readonly verb: 'dup' | 'fwd';
  /** The device, an address, or `?`. */
  readonly to: string;
  readonly place: string;
  readonly fix: Fix;
}

/** nft's dup and fwd on these devices, or on any (nft(8)). */
export function nftCopies(devices: ReadonlySet<string>, state: HostState): readonly NftCopy[] {
  const parts = objectsOf(fieldsOf(state.nft)?.['nftables']);
  const chains = parts.flatMap((part) => objectsOf([part['chain']]));
  return parts
    .flatMap((part) => objectsOf([part['rule']]))
    .flatMap((rule) => {
      const [family, table, chain] = [textOf(rule['family']), textOf(rule['table']), textOf(rule['chain'])];
      const base = chains.find((one) => one['family'] === family && one['table'] === table && one['name'] === chain);
      const on = [base?.['dev']].flat().filter((device) => typeof device === 'string');
      if (on.length > 0 && !on.some((device) => devices.has(device))) return [];
      return objectsOf(rule['expr']).flatMap((expression) =>
        (['dup', 'fwd'] as const).flatMap((verb): readonly NftCopy[] => {
          const to = fieldsOf(expression[verb]);
          return to === null
            ? []
            : [
                {
                  verb,
                  to: textOf(to['addr']) ?? textOf(to['dev']) ?? textOf(to['device']) ?? '?',
                  place: `${family ?? ''} ${table ?? ''} ${chain ?? ''}${on.length === 0 ? '' : ` on ${on.join(', ')}`}`,
                  fix: {
                    changes: [
                      execute(
                        ...['nft', 'delete', 'rule', family ?? '', table ?? '', chain ?? ''],
                        ...['handle', String(rule['handle'])],
                      ),
                    ],
                  },
                },
              ];
        }),
      );
    });
}

/** They carry frames as mirred does. */
export const nftMirrorRule: BridgeRule = ({ devices }, { state }) =>
  nftCopies(devices, state).map(({ verb, to, place, fix }) => ({
    severity: 'high',
    place,
    value: `${verb} to ${to}`,
    readFrom: readFrom.nft,
    text: 'frames are carried to another device, which no attribute of a link shows',
    probe: 'known-unicast',
    fix,
  }));

/** An XDP program sees every frame before the bridge does and may send it elsewhere; what it does cannot be read. */
export const xdpRule: BridgeRule = ({ link, ports }) =>
  [link, ...ports.map((port) => port.link)]
    .filter((one) => one.xdp !== undefined)
    .map((one) => ({
      severity: 'medium',
      place: `${one.name} xdp`,
      value: one.xdp ?? '',
      readFrom: readFrom.link,
      text: 'a program handles frames of this device before the bridge: it may copy or redirect them, and what it does cannot be read',
      probe: 'known-unicast',
      fix: {
        where: 'bpftool prog show, and where it should not be there',
        changes: [execute('ip', 'link', 'set', 'dev', one.name, 'xdp', 'off')],
      },
    }));

function splitLast(key: string): readonly string[] {
  const at = key.lastIndexOf(' ');
  return at < 0 ? [key] : [key.slice(0, at), key.slice(at + 1)];
}
