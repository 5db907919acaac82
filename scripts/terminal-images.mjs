// `npm run images [-- NAME…]`: types the commands below into a shell in a real terminal (tmux), waits until they are
// done, and writes what it shows to docs/images/NAME.svg, the first `lines` lines of it; and of `report` the upper part
// of its page as chromium shows it, to docs/images/report.png. Needs tmux, chromium and a build. `-- --into FOLDER NAME
// COMMAND`: another command, for the tests.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { toSvg } from './terminal/to-svg.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
const columns = 100;
const rows = 90;

const images = [
  {
    name: 'demo',
    command: 'node dist/cli.cjs demo',
    lines: 64,
    description:
      'The experiment in a terminal: who overheard whom, why, and the command that fixes it; then the five acts in a line each (ageing time 30 s holds, ageing time 0 and a promiscuous bridge leak as expected, flood off and a port of its own hold again), and the verdict in a sentence.',
  },
  {
    name: 'deafened',
    command: 'node dist/cli.cjs demo --deafen kali3',
    lines: 52,
    description:
      'The same experiment with the ear at kali3 killed in the middle of each act: INCONCLUSIVE, with the reason at kali3 and what to do about it.',
  },
];

/** The report of a recorded run, to below the picture of who overhears whom. */
const page = { name: 'report', folder: 'captures/wireshark-experiment', size: '1000,2330' };

function photograph(file) {
  const home = mkdtempSync(join(tmpdir(), 'page-'));
  const html = join(home, 'report.html');
  const replay = ['dist/cli.cjs', 'replay', page.folder, '--reporter', `html=${html}`];
  const chromium = [
    '--headless=new',
    '--no-sandbox',
    '--disable-gpu',
    '--hide-scrollbars',
    `--user-data-dir=${join(home, 'profile')}`,
    `--window-size=${page.size}`,
    `--screenshot=${file}`,
    `file://${html}`,
  ];
  try {
    for (const [program, args] of [
      [process.execPath, replay],
      ['chromium', chromium],
    ]) {
      const { status, stderr, error } = spawnSync(program, args, { cwd: top, encoding: 'utf8' });
      if (error !== undefined || status !== 0) throw new Error(`${program}: ${error?.message ?? stderr.trim()}`);
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function tmux(socket, ...args) {
  const { status, stdout, stderr, error } = spawnSync('tmux', ['-S', socket, ...args], {
    encoding: 'utf8',
    env: { ...process.env, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8', TMUX: '' },
  });
  if (error !== undefined || status !== 0) throw new Error(`tmux ${args[0]}: ${error?.message ?? stderr.trim()}`);
  return stdout;
}

/**
 * What the terminal shows once the command has ended. The shell's own folder is a throw-away one with the project's
 * folders in it.
 */
async function screenOf(command) {
  const home = mkdtempSync(join(tmpdir(), 'terminal-'));
  const socket = join(home, 'socket');
  const done = join(home, 'done');
  for (const folder of ['dist', 'docs', 'scenarios', 'captures'])
    spawnSync('ln', ['-s', join(top, folder), join(home, folder)]);
  writeFileSync(
    join(home, 'rc'),
    `PS1='$ '; unset CI NO_COLOR\nPROMPT_COMMAND='[ -z "$typed" ] || : > "${done}"; typed=1'\nexport HISTFILE=\n`,
  );
  tmux(
    socket,
    '-f',
    '/dev/null',
    'new-session',
    '-d',
    '-x',
    String(columns),
    '-y',
    String(rows),
    '-c',
    home,
    `bash --noprofile --rcfile "${home}/rc" -i`,
  );
  try {
    tmux(socket, 'set-option', '-g', 'status', 'off');
    for (let waited = 0; !tmux(socket, 'capture-pane', '-p').startsWith('$'); waited += 50) {
      if (waited > 10_000) throw new Error('no prompt after 10 s');
      await sleep(50);
    }
    tmux(socket, 'send-keys', '-l', command);
    tmux(socket, 'send-keys', 'Enter');
    for (let waited = 0; spawnSync('test', ['-e', done]).status !== 0; waited += 100) {
      if (waited > 300_000) throw new Error(`not done after 5 minutes: ${command}`);
      await sleep(100);
    }
    await sleep(200);
    // The prompt that waits for the next command is left out.
    return tmux(socket, 'capture-pane', '-e', '-p', '-S', '-')
      .replace(/\s+$/, '')
      .replace(/\n[^\n]*\$[^\n]{0,4}$/, '');
  } finally {
    spawnSync('tmux', ['-S', socket, 'kill-server']);
    rmSync(home, { recursive: true, force: true });
  }
}

const args = process.argv.slice(2);
const [chosen, folder] =
  args[0] === '--into'
    ? [[{ name: args[2], command: args[3], description: args[3] }], args[1]]
    : [images.filter(({ name }) => args.length === 0 || args.includes(name)), join(top, 'docs/images')];
mkdirSync(folder, { recursive: true });
for (const { name, command, description, lines } of chosen) {
  const whole = (await screenOf(command)).split('\n');
  const shown =
    lines === undefined || whole.length <= lines
      ? whole
      : [...whole.slice(0, lines), '', `\u001b[0;2m… ${whole.length - lines} lines more\u001b[0m`];
  const svg = toSvg(shown.join('\n'), { title: command, description, columns });
  writeFileSync(join(folder, `${name}.svg`), svg);
  console.log(`${name}.svg: ${svg.length} bytes`);
}
if (args[0] !== '--into' && (args.length === 0 || args.includes(page.name))) {
  const file = join(folder, `${page.name}.png`);
  photograph(file);
  console.log(`${page.name}.png: ${statSync(file).size} bytes`);
}
