import { word } from '../../text/shell.js';
import { dispatcherScript } from '../command-of.js';
import { networkManagerOption } from '../network-manager-option.js';
import type { Form, KeeperOf } from '../wanted.js';

/** NetworkManager: properties of the device's profile; what has none goes into a script of its dispatcher. */
export const networkManagerForm: Form<KeeperOf<'NetworkManager'>> = ({ by, device, profile, uuid, file }, wanted) => {
  const options = wanted.flatMap((one) => networkManagerOption(one) ?? []);
  const rest = wanted.filter((one) => networkManagerOption(one) === null);
  const named = uuid === null ? `id ${word(profile)}` : `uuid ${uuid}`;
  // A bridge takes changes while it runs; a port has to leave and join again ("Can't reapply any changes to
  // 'bridge-port' setting").
  const apply = wanted.some(({ kind }) => kind === 'bridge')
    ? `nmcli device reapply ${word(device)}`
    : `it acts when the port joins its bridge again; nmcli connection up ${named} does that, and takes it off for a moment`;
  return [
    ...(options.length === 0
      ? []
      : [
          {
            by,
            device,
            where: `the profile ${profile} of NetworkManager, ${file}`,
            form: `nmcli connection modify ${named} ${options.map(word).join(' ')}`,
            apply,
            note: options.includes('bridge.vlan-filtering')
              ? 'VLANs of the ports: bridge-port.vlans of their profiles'
              : '',
          },
        ]),
    ...(rest.length === 0 ? [] : [dispatcherScript(by, device, rest)]),
  ];
};
