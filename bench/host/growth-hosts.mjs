import { fileURLToPath } from 'node:url';
import { exponentText, growth, runColumns, runRow } from '../frame/growth.mjs';
import { withMounts } from '../frame/inside.mjs';

export const title = 'How a run grows with its hosts';
export const about = `Hosts are namespaces with an sshd each, on one underlay; VXLAN joins their bridges, each with three guests. One step, from the first host over all: the others are reached by ssh, and every port is observed. Processor time is that of the first host's processes. All hosts s: of the machine, whose two processors serve all hosts here; half of it is the least time that such a run can take. ${exponentText}\n\n![Seconds by hosts](growth-hosts.svg)`;

const program = fileURLToPath(new URL('growth-hosts-inside.mjs', import.meta.url));
const mounts = 'mount -t sysfs sysfs /sys && mount -t tmpfs -o mode=755 tmpfs /run';

export function measure({ scratch, rounds }) {
  let oneHost;
  const rows = [1, 2, 5, 10, 20].map((hosts) => {
    const run = withMounts(mounts, program, scratch, hosts, rounds);
    oneHost ??= run.seconds;
    const ratio = (run.seconds / oneHost).toFixed(2);
    return {
      hosts,
      observers: run.observers,
      ...runRow(run),
      'all hosts s': run.ofAll.toFixed(2),
      'time / one host': ratio,
      verdict: run.verdict,
    };
  });
  return growth('hosts', title, rows, runColumns);
}
