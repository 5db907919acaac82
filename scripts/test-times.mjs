// How long runs of tests took: pure, so that a test can hold it.
import { relative } from 'node:path';

const maxRows = 20;

/** Lines that test/support/usage.ts wrote, one a file of tests. */
export function readUsage(text, cwd) {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .map(({ file, ...times }) => ({ file: relative(cwd, file), ...times }));
}

/** Wall time from the first start to the last end, and processor time, of the files of each project. */
function projectsOf(usage) {
  const projectOf = ({ file }) => file.split('/')[1];
  return [...new Set(usage.map(projectOf))].sort().map((project) => {
    const files = usage.filter((file) => projectOf(file) === project);
    return {
      name: `  ${project}: ${files.length} ${files.length === 1 ? 'file' : 'files'}`,
      wallMs: Math.max(...files.map(({ end }) => end)) - Math.min(...files.map(({ start }) => start)),
      processorMs: files.reduce((sum, file) => sum + file.processorMs, 0),
    };
  });
}

const slowest = (rows) =>
  rows
    .filter(({ wallMs }) => wallMs >= 100)
    .sort((a, b) => b.wallMs - a.wallMs)
    .slice(0, maxRows);
const secondsOf = (ms) => `${(ms / 1000).toFixed(1)} s`.padStart(10);
const lineOf = ({ name, wallMs, processorMs }) =>
  `${secondsOf(wallMs)}${processorMs === undefined ? '' : secondsOf(processorMs)}  ${name}`;

/**
 * Lines for the end of a command: wall and processor time of each run and of its projects, the slowest files and the
 * slowest tests. With several runs, a file or a test is listed for each run that executed it.
 */
export function timesOf(runs) {
  const nameIn = ({ title }, name) => (runs.length === 1 ? name : `${name} (${title})`);
  const files = runs.flatMap((run) =>
    run.usage.map(({ file, start, end, processorMs }) => ({
      name: nameIn(run, file),
      wallMs: end - start,
      processorMs,
    })),
  );
  const tests = runs.flatMap((run) =>
    run.tests.map(({ file, name, ms }) => ({ name: nameIn(run, `${file} > ${name}`), wallMs: ms })),
  );
  const sections = [
    [
      'Wall and processor time',
      runs.flatMap(({ usage, ...run }) => [{ ...run, name: run.title }, ...projectsOf(usage)]),
    ],
    [`The ${maxRows} slowest files: wall and processor time`, slowest(files)],
    [`The ${maxRows} slowest tests: wall time`, slowest(tests)],
  ];
  return sections.flatMap(([heading, rows]) => ['', heading, ...rows.map(lineOf)]);
}
