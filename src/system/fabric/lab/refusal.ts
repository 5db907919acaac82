import type { FaultCode } from '../../../core/model/reasons.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { installHint } from '../../process/programs.js';

interface Refusal {
  readonly pattern: RegExp;
  readonly code: FaultCode;
  readonly text: string;
  readonly hint: string;
}

const container =
  'in a container: start it with --privileged, or with --cap-add SYS_ADMIN --cap-add NET_ADMIN --security-opt apparmor=unconfined; elsewhere: run with sudo';

const refusals: readonly Refusal[] = [
  {
    pattern: /uid_map.*(not permitted|denied)/i,
    code: 'user-namespace-refused',
    text: 'AppArmor refuses user namespaces to ordinary programs (kernel.apparmor_restrict_unprivileged_userns = 1)',
    hint: 'run with sudo, or `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or an AppArmor profile with `userns,`',
  },
  {
    pattern: /unshare failed: no space left/i,
    code: 'namespace-limit',
    text: 'the number of namespaces is limited (user.max_user_namespaces, user.max_net_namespaces)',
    hint: 'raise it with `sudo sysctl -w user.max_user_namespaces=10000`, or run with sudo',
  },
  {
    pattern: /unshare failed: operation not permitted/i,
    code: 'namespace-refused',
    text: 'namespaces are refused (a container’s seccomp filter, a chroot, or kernel.unprivileged_userns_clone = 0)',
    hint: container,
  },
  {
    pattern: /mount \/proc failed/i,
    code: 'namespace-refused',
    text: 'mounting is refused inside the new namespace',
    hint: container,
  },
  {
    pattern: /unknown device type|operation not supported/i,
    code: 'unsupported',
    text: 'this kernel has no Linux bridge',
    hint: 'load it with `sudo modprobe bridge veth`; inside a user namespace the kernel may not load it by itself',
  },
  {
    pattern: /rtnetlink answers: operation not permitted/i,
    code: 'user-namespace-refused',
    text: 'a user namespace is made but has no rights inside (AppArmor)',
    hint: 'run with sudo, or `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`',
  },
  {
    pattern: /failed to execute ip|ip: no such file|execvp.*ip/i,
    code: 'program-missing',
    text: 'the program ip is not installed',
    hint: installHint('iproute2'),
  },
  {
    pattern: /unrecognized option|invalid option|unknown option/i,
    code: 'program-refused',
    text: 'setpriv or unshare do not know an option that the lab needs (busybox?)',
    hint: 'install util-linux’s own setpriv and unshare, 2.36 or newer',
  },
];

/** The error (69) of refused namespaces: why, and what to do. */
export function refusalOf(stderr: string, runsAs: string): VerifyError {
  const line = stderr.trim().replaceAll(/\s*\n\s*/g, ' · ');
  const known = refusals.find((refusal) => refusal.pattern.test(line));
  const text = known?.text ?? 'the system refuses to start it';
  return new VerifyError(
    known?.code ?? 'namespace-refused',
    69,
    `the lab cannot be built as ${runsAs === 'root' ? 'root' : 'a user namespace'}: ${text}${line === '' ? '' : ` [${line}]`}`,
    known?.hint ?? container,
  );
}
