import { describe, expect, it } from 'vitest';
import { refusedAs } from '../../../../src/system/kernel/bpf-programs.js';

describe('a list of BPF programs that the kernel refuses', () => {
  it.each(['EINVAL', 'ENOENT', 'ENODEV', 'ENOSYS'])('is empty where there is no such place or device: %s', (errno) =>
    expect(refusedAs('tcx ingress', errno)).toEqual([]),
  );
  it('is empty at the second device of a netkit pair', () => {
    expect(refusedAs('netkit peer', 'EACCES')).toEqual([]);
    expect(refusedAs('tcx ingress', 'EACCES')).toEqual({ unknown: 'EACCES' });
  });
  it('is denied to this user', () => expect(refusedAs('tcx egress', 'EPERM')).toBe('denied'));
  it.each(['ENOMEM', 'EFAULT', '0'])('is not known for any other reason: %s', (errno) =>
    expect(refusedAs('tcx egress', errno)).toEqual({ unknown: errno }),
  );
});
