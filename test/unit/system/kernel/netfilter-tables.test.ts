import { describe, expect, it } from 'vitest';
import { isLoaded, partsOfKernel, targetsOfEntries } from '../../../../src/system/kernel/ask/netfilter-tables.js';

const head = 112;
const offsetsAt = 88;

/** struct ipt_entry without matches, and its target. */
function entry(name: string, body = 8): Buffer {
  const bytes = Buffer.alloc(head + 32 + body);
  bytes.writeUInt16LE(head, offsetsAt);
  bytes.writeUInt16LE(bytes.length, offsetsAt + 2);
  bytes.writeUInt16LE(32 + body, head);
  bytes.write(name, head + 2, 'latin1');
  return bytes;
}
const targets = (...entries: readonly Buffer[]): readonly string[] | null =>
  targetsOfEntries(Buffer.concat(entries), offsetsAt);

describe('entries of a table of iptables-legacy', () => {
  it('give each target once, without verdicts, heads of chains and the end of the table', () =>
    expect(targets(entry('TEE', 40), entry(''), entry('LOG'), entry('TEE', 40), entry('ERROR', 32))).toEqual([
      'LOG',
      'TEE',
    ]));

  it('are none, whatever is cut off or says that it is longer than it is', () => {
    const whole = Buffer.concat([entry('TEE', 40), entry('ERROR', 32)]);
    for (let length = 1; length < whole.length; length += 1) {
      const cut = targetsOfEntries(whole.subarray(0, length), offsetsAt);
      expect(cut === null || cut.join() === 'TEE', String(length)).toBe(true);
    }
    for (const at of [offsetsAt, offsetsAt + 2]) {
      const wrong = Buffer.from(whole);
      wrong.writeUInt16LE(at === offsetsAt ? 0xffff : 0, at);
      expect(targetsOfEntries(wrong, offsetsAt)).toBeNull();
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
