import { describe, expect, it } from 'vitest';
import { extensionsOfEntries, isLoaded, partsOfKernel } from '../../../../src/system/kernel/ask/netfilter-tables.js';

const [matchesAt, targetOffsetAt] = [112, 88];
const layout = { targetOffsetAt, matchesAt };

/** struct xt_entry_match and xt_entry_target. */
function extension(name: string, body: number): Buffer {
  const bytes = Buffer.alloc(32 + body);
  bytes.writeUInt16LE(bytes.length, 0);
  bytes.write(name, 2, 'latin1');
  return bytes;
}

/** struct ipt_entry with matches, and its target. */
function entry(name: string, body = 8, matches: readonly Buffer[] = []): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(matchesAt), ...matches, extension(name, body)]);
  bytes.writeUInt16LE(bytes.length - 32 - body, targetOffsetAt);
  bytes.writeUInt16LE(bytes.length, targetOffsetAt + 2);
  return bytes;
}
const namesOf = (...entries: readonly Buffer[]) => extensionsOfEntries(Buffer.concat(entries), layout);

describe('entries of a table of iptables-legacy', () => {
  it('give each target once, without verdicts, heads of chains and the end of the table', () =>
    expect(namesOf(entry('TEE', 40), entry(''), entry('LOG'), entry('TEE', 40), entry('ERROR', 32))).toEqual({
      targets: ['LOG', 'TEE'],
      matches: [],
    }));

  it('give each match once, of verdicts too', () => {
    const [udp, recent] = [extension('udp', 16), extension('recent', 240)];
    expect(namesOf(entry('', 8, [udp, recent]), entry('TEE', 40, [udp]), entry('ERROR', 32))).toEqual({
      targets: ['TEE'],
      matches: ['recent', 'udp'],
    });
    udp.writeUInt16LE(49, 0);
    expect(namesOf(entry('', 8, [udp]))).toBeNull();
    udp.writeUInt16LE(0, 0);
    expect(namesOf(entry('', 8, [udp]))).toBeNull();
  });

  it('are none, whatever is cut off or says that it is longer than it is', () => {
    const whole = Buffer.concat([entry('TEE', 40, [extension('udp', 16)]), entry('ERROR', 32)]);
    for (let length = 1; length < whole.length; length += 1) {
      const cut = extensionsOfEntries(whole.subarray(0, length), layout);
      expect(cut === null || cut.targets.join() === 'TEE', String(length)).toBe(true);
    }
    for (const at of [targetOffsetAt, targetOffsetAt + 2]) {
      const wrong = Buffer.from(whole);
      wrong.writeUInt16LE(at === targetOffsetAt ? 0xffff : 0, at);
      expect(extensionsOfEntries(wrong, layout)).toBeNull();
    }
  });
});

describe('whether a module is there', () => {
  const lists = (
    modules: string | null,
    builtIn: string | null,
    parts: readonly ('nf_tables' | 'ebtable_nat')[] | null,
  ) => ({
    modules,
    builtIn: () => builtIn,
    parts: () => (parts === null ? null : new Set(parts)),
  });
  it.each([
    ['it is loaded', lists('nf_tables 385024 3 - Live 0x0\n', '', []), true],
    ['another one is', lists('nf_tables_set 385024 3 - Live 0x0\n', 'kernel/net/x.ko\n', []), false],
    ['this kernel has no modules, and nothing says what is part of it', lists(null, null, []), 'perhaps'],
    ['this kernel has no modules, and it is part of it', lists(null, null, ['nf_tables']), true],
    ['it is part of the kernel', lists('', 'kernel/net/netfilter/nf_tables.ko\n', []), true],
    ['a container does not have the list of those, and the kernel it', lists('', null, ['nf_tables']), true],
    ['a container does not have the list of those, nor the kernel it', lists('', null, ['ebtable_nat']), false],
    ['nothing says so, and it has to be asked', lists('', null, null), 'perhaps'],
  ] as const)('is known where %s', (_, known, expected) => expect(isLoaded('nf_tables', known)).toBe(expected));
});

describe('what is part of a kernel', () => {
  const configuration = 'CONFIG_NF_TABLES=y\n# CONFIG_BRIDGE_EBT_BROUTE is not set\nCONFIG_BRIDGE_EBT_T_NAT=m\n';
  const functions = '0 t ebtable_nat_init\n0 t nf_tables_module_init_not\n';

  it('is what its configuration has built in', () => {
    const parts = partsOfKernel(configuration, () => {
      throw new Error('they are not read');
    });
    expect(parts).toEqual(new Set(['nf_tables']));
  });

  it('is what its functions start, where it shows no configuration', () => {
    expect(partsOfKernel(null, () => functions)).toEqual(new Set(['ebtable_nat']));
  });

  it('is not known where it shows neither', () => {
    expect(partsOfKernel(null, () => null)).toBeNull();
  });
});
