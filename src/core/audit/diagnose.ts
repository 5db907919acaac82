import {
  type DoctorReport,
  hostRights,
  type KernelFeature,
  kernelFeatures,
  lackingRights,
  type LabTrial,
  type MachineCheck,
  type MachineSnapshot,
} from '../model/machine.js';

/** Kernel features for a scenario. If `requested`, lacks count as missing. */
export interface ScenarioNeeds {
  readonly file: string;
  readonly features: readonly KernelFeature[];
  readonly requested: boolean;
}

const required: Readonly<Record<string, string>> = {
  ip: 'iproute2',
  bridge: 'iproute2',
  tc: 'iproute2',
  setpriv: 'util-linux',
  unshare: 'util-linux',
};
const optional: Readonly<Record<string, readonly [name: string, use: string]>> = {
  nft: ['nftables', 'scenarios with rules; without it filters cannot be read'],
  sysctl: ['procps', 'scenarios that set sysctls'],
  ping: ['iputils-ping', 'traffic: ping'],
  ethtool: ['ethtool', 'scenarios that run it'],
  'ssh-keygen': ['openssh-client', 'attest and check of signatures'],
  'ovs-vsctl': ['openvswitch-switch', 'audit of Open vSwitch'],
};

function check(
  id: string,
  state: MachineCheck['state'],
  text: string,
  fix: string | null = null,
  neededBy: readonly string[] = [],
): MachineCheck {
  return { id, state, text, mend: fix, neededBy };
}

function rights(machine: MachineSnapshot): readonly MachineCheck[] {
  const lacking = lackingRights(machine.capabilities);
  const missing = lacking.filter(({ isNeeded }) => isNeeded).map(({ name }) => name);
  // an ordinary user has none, and one line says so
  const named = lacking.length === Object.keys(hostRights).length ? [] : lacking;
  const seccomp = machine.seccomp === 0 ? 'no seccomp filter' : 'under a seccomp filter, as in a container';
  return [
    check(
      'user',
      'ok',
      `uid ${machine.uid}, CapEff ${machine.capabilities}${machine.noNewPrivs ? ', no_new_privs' : ''}, ${seccomp}`,
    ),
    missing.length === 0
      ? check('host', 'ok', "a host's bridge can be measured (provider: host)")
      : check(
          'host',
          'note',
          `a host's bridge cannot be measured (provider: host): ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} missing`,
          'run with sudo; the lab does not need it where user namespaces are allowed',
        ),
    ...named.map(({ name, cost }) =>
      check(
        `right-${name}`,
        'note',
        `${name} is missing: ${cost}`,
        'run with sudo; a service or a container has to be given it',
      ),
    ),
  ];
}

function lab(trial: LabTrial): MachineCheck {
  if (!trial.built) return check('lab', 'missing', trial.why, trial.mend);
  const as = trial.runsAs === 'root' ? 'as root' : 'in a user namespace';
  return trial.sysfs
    ? check('lab', 'ok', `the lab can be built ${as}`)
    : check(
        'lab',
        'note',
        `the lab can be built ${as}; /sys cannot be mounted there, so the flag of a promiscuous bridge is read from its counter alone`,
      );
}

function limits(machine: MachineSnapshot): readonly MachineCheck[] {
  return Object.entries(machine.limits).map(([name, value]) => {
    const forbids = name === 'kernel.apparmor_restrict_unprivileged_userns' ? value === '1' : value === '0';
    if (!forbids) return check(name, 'ok', `${name} = ${value}`);
    const fix =
      name === 'kernel.apparmor_restrict_unprivileged_userns'
        ? 'run with sudo, or `sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0`, or load an AppArmor profile for node that has `userns,`'
        : `run with sudo, or \`sudo sysctl -w ${name}=${name === 'kernel.unprivileged_userns_clone' ? '1' : '10000'}\``;
    return check(
      name,
      'note',
      `${name} = ${value}: ${name === 'user.max_net_namespaces' ? 'nobody' : 'no ordinary user'} may make ${name === 'user.max_net_namespaces' ? 'network' : 'user'} namespaces`,
      fix,
    );
  });
}

function capture(machine: MachineSnapshot): readonly MachineCheck[] {
  const none = machine.engines.every(({ version }) => version === null);
  return machine.engines.map(({ name, version, why }) =>
    version !== null
      ? check(`engine-${name}`, 'ok', `${name}: ${version}`)
      : check(
          `engine-${name}`,
          none ? 'missing' : 'note',
          `${name} does not load: ${why ?? ''}`,
          none ? 'install libpcap: `sudo apt-get install libpcap0.8`' : null,
        ),
  );
}

function programChecks(machine: MachineSnapshot): readonly MachineCheck[] {
  const install = (name: string): string => `\`sudo apt-get install ${name}\` on Debian and Ubuntu`;
  return Object.entries(machine.programs).map(([program, version]) => {
    if (version !== null) return check(`program-${program}`, 'ok', `${program}: ${version}`);
    const package_ = required[program];
    const [name, use] = optional[program] ?? [program, 'some scenarios'];
    return package_ === undefined
      ? check(`program-${program}`, 'note', `${program} is not installed; needed by: ${use}`, install(name))
      : check(`program-${program}`, 'missing', `${program} is not installed`, install(package_));
  });
}

function features(trial: LabTrial, needs: readonly ScenarioNeeds[]): readonly MachineCheck[] {
  if (!trial.built) return [check('features', 'note', 'not tried: they are tried in the lab')];
  return trial.features.map(({ feature, works, said }) => {
    const neededBy = needs.filter((need) => need.features.includes(feature)).map(({ file }) => file);
    if (works) return check(feature, 'ok', kernelFeatures[feature], null, neededBy);
    const requested = needs.some((need) => need.requested && need.features.includes(feature));
    return check(
      feature,
      requested ? 'missing' : 'note',
      `${kernelFeatures[feature]}: ${said}`,
      'load its module, or take a kernel that is built with it',
      neededBy,
    );
  });
}

function bridgeNetfilter({ brNetfilter }: MachineSnapshot): MachineCheck {
  if (brNetfilter === null)
    return check('br_netfilter', 'ok', 'br_netfilter is not loaded: iptables sees no bridged frame');
  const on = Object.entries(brNetfilter)
    .filter(([name, value]) => name.includes('call') && value === '1')
    .map(([name]) => name);
  return on.length === 0
    ? check('br_netfilter', 'ok', 'br_netfilter is loaded, and off in this namespace')
    : check(
        'br_netfilter',
        'note',
        `br_netfilter is on (${on.join(', ')}): rules of iptables act on bridged IP frames, so a HOLDS of IP carriers may be theirs; it is judged apart from raw. With connection tracking, lone fragments do not pass`,
      );
}

/**
 * A machine's abilities. `exitCode` 69: the lab, an engine, a required program or a requested scenario's need is
 * missing.
 */
export function diagnose(machine: MachineSnapshot, needs: readonly ScenarioNeeds[], version: string): DoctorReport {
  const groups = [
    { title: 'rights', checks: [...rights(machine), lab(machine.lab), ...limits(machine)] },
    { title: 'capture', checks: capture(machine) },
    { title: 'programs', checks: programChecks(machine) },
    {
      title: `kernel ${machine.kernel} on ${machine.architecture}, Node ${machine.node}`,
      checks: [bridgeNetfilter(machine), ...features(machine.lab, needs)],
    },
  ];
  const ok = groups.every(({ checks }) => checks.every(({ state }) => state !== 'missing'));
  return { schemaVersion: 1, tool: { name: 'verify-isolation', version }, ok, exitCode: ok ? 0 : 69, groups };
}
