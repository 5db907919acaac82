import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readLeases } from '../../../../src/system/state/read-leases.js';
import { scratchFolder } from '../../../support/scratch.js';

const root = scratchFolder('leases');

function put(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

it('reads the files of all servers, and follows no link', () => {
  expect(readLeases(root)).toEqual([]);
  put('var/lib/misc/dnsmasq.leases', '0 02:11:00:00:00:01 192.0.2.1 * *\n');
  put('var/lib/incus/networks/incusbr0/dnsmasq.leases', '0 02:11:00:00:00:02 192.0.2.2 * *\n');
  put(
    'var/lib/libvirt/dnsmasq/virbr0.status',
    '[{"ip-address":"192.0.2.3","mac-address":"02:11:00:00:00:03","expiry-time":0}]',
  );
  const secret = put('secret', '0 02:11:00:00:00:04 192.0.2.4 * *\n');
  symlinkSync(secret, join(root, 'var/lib/libvirt/dnsmasq/linked.status'));
  expect(readLeases(root).map(({ address }) => address)).toEqual(['192.0.2.1', '192.0.2.3', '192.0.2.2']);
});
