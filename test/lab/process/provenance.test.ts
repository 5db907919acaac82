import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { expect, it } from 'vitest';
import { hashMachineId, readMachine } from '../../../src/system/machine/read-machine.js';

const top = resolve(import.meta.dirname, '../../..');
const shell = (command: string): string => execFileSync('sh', ['-c', command], { encoding: 'utf8', cwd: top }).trim();

it('the machine id is hashed with a key, so that it is the same each time and not the id itself', () => {
  const id = '0123456789abcdef0123456789abcdef';
  // echo -n verify-isolation | openssl dgst -sha256 -mac HMAC -macopt hexkey:0123456789abcdef0123456789abcdef
  expect(hashMachineId(id)).toBe(
    shell(`printf %s verify-isolation | openssl dgst -sha256 -mac HMAC -macopt hexkey:${id} | sed 's/.*= //'`),
  );
  expect(hashMachineId(id)).not.toContain(id);
});

it('what the machine is said to be is what its own programs say', async () => {
  const machine = await readMachine(null);
  expect(machine).toMatchObject({
    host: shell('uname -n'),
    kernel: shell('uname -r'),
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
  });
  expect(machine.distribution).toBe(shell('. /etc/os-release; echo "$PRETTY_NAME"'));
  expect(machine.packages['iproute2']).toBe(shell(`dpkg-query -W -f '\${Version}' iproute2`));
  expect(machine.nftRuleset.sha256 ?? shell('nft -s list ruleset 2>/dev/null | sha256sum').slice(0, 64)).toBe(
    shell('nft -s list ruleset 2>/dev/null | sha256sum').slice(0, 64),
  );
});
