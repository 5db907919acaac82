import { expect, it } from 'vitest';
import { alwaysRead, withoutUsual } from '../../../../src/system/state/read.js';

it("has the sysctl of conntrack's checksums where it is not as usual, or asked for", () => {
  const checksum = 'net.netfilter.nf_conntrack_checksum';
  const forward = { 'net.ipv4.ip_forward': '1' };
  expect(alwaysRead).toContain(checksum);
  expect(withoutUsual({ ...forward, [checksum]: '1' }, [])).toEqual(forward);
  expect(withoutUsual({ ...forward, [checksum]: '0' }, [])).toEqual({ ...forward, [checksum]: '0' });
  expect(withoutUsual({ [checksum]: '1' }, [checksum])).toEqual({ [checksum]: '1' });
});
