/** Programs of `run` that need no `--allow-run`. */
export const freePrograms: readonly string[] = [
  'ip',
  'bridge',
  'tc',
  'nft',
  'ethtool',
  'sysctl',
  'ovs-vsctl',
  'ovs-ofctl',
];

/** Permitted options, in full; the programs also take shortened ones. */
interface FreeOptions {
  readonly alone: readonly string[];
  readonly withWord: readonly string[];
  /** `leading`: options end at the first other word. */
  readonly where: 'leading' | 'anywhere';
}

const words = (text: string): readonly string[] => text.split(' ');

/**
 * None names a file, socket, log, other namespace or library, which are beyond the lab (manual pages of iproute2 6.15,
 * nftables 1.1, ethtool 6.14, procps 4.0, Open vSwitch 3.5).
 */
const freeOptions: Readonly<Record<string, FreeOptions>> = {
  ip: {
    alone: words(
      '-4 -6 -0 -B -M -s -stats -statistics -d -details -o -oneline -j -json -p -pretty -r -resolve -c -color -br -brief -h -human -N -Numeric -iec -echo -t -timestamp -ts -tshort',
    ),
    withWord: words('-f -family -l -loops'),
    where: 'leading',
  },
  bridge: {
    alone: words(
      '-s -stats -statistics -d -details -o -oneline -j -json -p -pretty -c -color -compressvlans -t -timestamp',
    ),
    withWord: words('-f -family'),
    where: 'leading',
  },
  tc: {
    alone: words(
      '-s -stats -statistics -d -details -r -raw -o -oneline -j -json -p -pretty -g -graph -c -color -br -brief -iec -t -timestamp -ts -tshort -N -Numeric -echo',
    ),
    withWord: [],
    where: 'leading',
  },
  nft: {
    alone: words(
      '-j --json -a --handle -s --stateless -t --terse -n --numeric -y -p -u -T -S -N -e --echo -o --optimize -c --check',
    ),
    withWord: words('-f --file'), // the file lies below the scenario's folder: where files are there to be looked at
    where: 'leading',
  },
  ethtool: {
    alone: words(
      '--json -a --show-pause -A --pause -c --show-coalesce -C --coalesce -g --show-ring -G --set-ring -i --driver -k --show-features --show-offload -K --features --offload -l --show-channels -L --set-channels -P --show-permaddr -s --change -S --statistics -T --show-time-stamping',
    ),
    withWord: [],
    where: 'leading',
  },
  sysctl: {
    alone: words('-w --write -n --values -q --quiet -e --ignore -N --names -b --binary'),
    withWord: [],
    where: 'anywhere',
  },
  'ovs-vsctl': {
    alone: words(
      '-- --no-wait --if-exists --may-exist --all --bare --no-headings --oneline --dry-run --pretty --retry --columns --format --data --timeout --id',
    ),
    withWord: words('-t -f -d'),
    where: 'anywhere',
  },
  'ovs-ofctl': {
    alone: words(
      '-- --strict --bundle --names --no-names --sort --rsort --more -m --readd --stats --no-stats --protocols --flow-format --timeout -OOpenFlow10 -OOpenFlow11 -OOpenFlow12 -OOpenFlow13 -OOpenFlow14 -OOpenFlow15',
    ),
    withWord: words('-O -F -t'),
    where: 'anywhere',
  },
};

function splitWords(
  { alone, withWord, where }: FreeOptions,
  args: readonly string[],
): { readonly strange: string | null; readonly others: readonly string[] } {
  const others: string[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] ?? '';
    const isOption = arg.startsWith('-') && arg !== '-' && (where === 'anywhere' || others.length === 0);
    const name = arg.startsWith('--') && arg.includes('=') ? arg.slice(0, arg.indexOf('=')) : arg;
    if (!isOption) others.push(arg);
    else if (withWord.includes(arg)) at += 1;
    else if (!alone.includes(name) || (name !== arg && where === 'leading')) return { strange: arg, others };
  }
  return { strange: null, others };
}

/** As sysctl(8) and /proc/sys name it. */
const sysctlOfNamespace = /^net[./][A-Za-z0-9_./:@*-]+$/;

/** True if it is of a network namespace, and so the lab's own. */
export function isFreeSysctl(name: string): boolean {
  return sysctlOfNamespace.test(name) && !name.split(/[./]/).includes('') && !name.includes('..');
}

/** Why a command needs `--allow-run`; null = every scenario may run it. Files that it names are not read. */
export function whyForeign(argv: readonly string[]): string | null {
  const [program = '', ...args] = argv;
  const options = freeOptions[program];
  if (options === undefined || !freePrograms.includes(program))
    return `${program} is not one of the programs that every scenario may start`;
  const { strange, others } = splitWords(options, args);
  if (strange !== null) return `${strange} is not one of the options that every scenario may give to ${program}`;
  if (program === 'nft' && others.some(includesFile)) return 'nft reads another file with include';
  if (program !== 'sysctl') return null;
  const foreign = others.map((word) => word.split('=', 1)[0]?.trim() ?? '').find((name) => !isFreeSysctl(name));
  return foreign === undefined ? null : `sysctl ${foreign} is not below net., and so of the whole machine`;
}

/** True if a text of nft includes other files; its only statement for that is a word. */
export function includesFile(text: string): boolean {
  return /(?<![\w-])include(?![\w-])/.test(text);
}

interface Commands {
  readonly name: string;
  readonly run: readonly (readonly string[])[];
  readonly during: readonly { readonly run: readonly (readonly string[])[] }[];
}

/** The commands of `run` and `during`, with their steps' names. */
export function commandsOf(
  steps: readonly Commands[],
): readonly { readonly step: string; readonly argv: readonly string[] }[] {
  return steps.flatMap(({ name, run, during }) =>
    [...run, ...during.flatMap((each) => each.run)].map((argv) => ({ step: name, argv })),
  );
}

/** Parts of `run` and `during` that need `--allow-run`, a line each. */
export function foreignCommands(steps: readonly Commands[]): readonly string[] {
  return commandsOf(steps).flatMap(({ step, argv }) => {
    const why = whyForeign(argv);
    return why === null ? [] : [`step “${step}”: run: ${argv.join(' ')}: ${why}`];
  });
}

/** The limit of a file that a command names: ten times the rules of a firewall of ten thousand guests. */
export const maxNamedBytes = 64 * 1024 * 1024;

/** `--db=unix:/run/x.sock`, `options:path=/dev/x`. */
const pathInside = /(?<=^|[=,"'\s{(@]|[A-Za-z0-9_]:)((?:\.\.)?\/[^\s"',;{}]*|\.\.)/g;

/** The paths in a word, by form alone, existing or not. */
export function pathsIn(word: string): readonly string[] {
  return word.match(pathInside) ?? [];
}

/** A word with its paths replaced; undefined = the path stays. */
export function replacePaths(word: string, replacement: (path: string) => string | undefined): string {
  return replacement(word) ?? word.replaceAll(pathInside, (path) => replacement(path) ?? path);
}
