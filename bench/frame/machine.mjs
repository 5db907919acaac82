import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';

const firstLine = (argv) => {
  try {
    return execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n')[0];
  } catch {
    return null;
  }
};

/** The machine, in a line; ratios travel from one to another, seconds do not. */
export function machineText() {
  const [cpu] = cpus();
  const processor = cpu?.model.replaceAll(/\(R\)| Processor/g, '').trim() ?? 'unknown processor';
  return `${cpus().length} × ${processor}, Linux ${release().split('-')[0]}, load ${loadavg()[0].toFixed(1)}`;
}

/** Versions of Node and of the peers that a table names. */
export function versionsText(table) {
  const peers = ['tcpdump', 'tshark', 'capinfos', 'dumpcap', 'trafgen', 'tcpreplay']
    .filter((name) => table.includes(name))
    .map((name) => [name, ...(/\d+(?:\.\d+)+/.exec(firstLine([name, '--version']) ?? '') ?? [])].join(' '));
  return [`Node ${process.versions.node}`, ...peers].join(', ');
}
