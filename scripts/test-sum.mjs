// What came of all runs of tests together: pure, so that a test can hold it. scripts/run-tests.mjs makes the runs.
import { relative } from 'node:path';

/** More places than this are told by their folders. */
const maxPlaces = 10;

const firstLine = (text) => (text ?? '').split('\n')[0];
const wasExecuted = ({ status }) => status === 'passed' || status === 'failed';
const keyOf = ({ file, name }) => `${file}\0${name}`;

/** How often each is there: names of tests need not be unique in a file. */
function timesOf(keys) {
  const times = new Map();
  for (const key of keys) times.set(key, (times.get(key) ?? 0) + 1);
  return times;
}

/** The most of each over several counts. */
function maxOf(counts) {
  const most = new Map();
  for (const count of counts) for (const [key, times] of count) most.set(key, Math.max(most.get(key) ?? 0, times));
  return most;
}

/** A test of a report of vitest with the first line of why it failed. */
const faultLine = (place, { fullName, failureMessages }) => `${place} > ${fullName}: ${firstLine(failureMessages[0])}`;

/**
 * What failed in a report of vitest, a line each: its file, its name and the first line of why. A file that could not be
 * loaded has no failed test of its own, and one whose hook failed has no message either.
 */
function failuresIn(report, cwd) {
  return report.testResults
    .filter((file) => file.status === 'failed')
    .flatMap((file) => {
      const place = relative(cwd, file.name);
      const tests = file.assertionResults.filter(({ status }) => status === 'failed');
      return tests.length === 0
        ? [`${place}: ${firstLine(file.message) || 'a hook failed; its error stands above'}`]
        : tests.map((test) => faultLine(place, test));
    });
}

/** Tests that passed when they were tried again, with the first line of why they failed before. */
function triedAgainIn(report, cwd) {
  return report.testResults.flatMap((file) =>
    file.assertionResults
      .filter(({ status, failureMessages = [] }) => status === 'passed' && failureMessages.length > 0)
      .map((test) => faultLine(relative(cwd, file.name), test)),
  );
}

/**
 * A run by its report: each test with its place in the checkout `cwd`, so that runs can be compared, why it was skipped,
 * if it says so (test/support/needs.ts), and its level by its tags (test/support/levels.ts). `end`: how the program ended, an exit status or the name of a signal;
 * an error outside any test shows there alone.
 */
export function readRun(title, report, { cwd, end }) {
  const tests = report.testResults.flatMap((file) =>
    file.assertionResults.map(({ fullName, status, meta, tags, duration }) => ({
      file: relative(cwd, file.name),
      name: fullName,
      status,
      why: meta?.skipped ?? null,
      level: tags?.includes('all') ? 'all' : 'test',
      ms: duration ?? 0,
    })),
  );
  const failures = failuresIn(report, cwd);
  if (failures.length === 0 && end !== 0) failures.push(`it ended with ${end} although no test failed`);
  if (failures.length === 0 && !tests.some((test) => wasExecuted(test) || test.why !== null))
    failures.push('it executed no test, and none says why');
  const files = report.testResults.map(({ name }) => relative(cwd, name));
  return { title, files, tests, failures, again: triedAgainIn(report, cwd) };
}

/** A run of which nothing is known but what went wrong. */
export function lostRun(title, why) {
  return { title, files: [], tests: [], failures: [why], again: [] };
}

/** Tests that were asked for and that no run executed, each as often as it is there. */
function leftOut(runs, rest, isAsked) {
  const lists = [...runs.map(({ tests }) => tests), rest].map((tests) => tests.filter(isAsked));
  const known = maxOf(lists.map((tests) => timesOf(tests.map(keyOf))));
  const executed = maxOf(runs.map(({ tests }) => timesOf(tests.filter(wasExecuted).map(keyOf))));
  const whys = new Map();
  for (const test of [...runs.flatMap(({ tests }) => tests), ...rest])
    if (test.why !== null && !whys.has(keyOf(test))) whys.set(keyOf(test), test.why);
  return [...known].flatMap(([key, times]) => {
    const [file, name] = key.split('\0');
    const why = whys.get(key) ?? 'no run executed it, and it does not say why';
    return Array.from({ length: Math.max(0, times - (executed.get(key) ?? 0)) }, () => ({ file, name, why }));
  });
}

/** Where tests stand, and how many: the file where no test of it was executed, else the test; folders if that is long. */
function placesOf(tests, executedFiles) {
  const places = timesOf(tests.map(({ file, name }) => (executedFiles.has(file) ? `${file} > ${name}` : file)));
  const reported =
    places.size <= maxPlaces ? places : timesOf(tests.map(({ file }) => `${file.split('/').slice(0, 3).join('/')}/`));
  return [...reported].map(([place, times]) => (times === 1 ? place : `${place} (${times})`)).join(', ');
}

const testsOf = (count) => `${count} ${count === 1 ? 'test' : 'tests'}`;

/**
 * The sum over all runs, and a line for whatever did not pass. A test counts as passed or failed in each run that
 * executed it; it is skipped where none did, be it that all had to skip it, or that its file was in none of them.
 *
 * `levels`: those that the runs are to execute. A test of another level is not skipped: it is for another command.
 * `isDrawn`: the same for files of the level `all`.
 * `rest`: the tests of files that no run reported, with why. `unmade`: runs that would have executed tests once more, as
 * somebody else, and could not be made.
 */
export function sumUp({ runs, rest = [], unmade = [], levels = ['test', 'all'], isDrawn = () => true }) {
  const tests = runs.flatMap((run) => run.tests);
  const skipped = leftOut(
    runs,
    rest,
    ({ level, file }) => levels.includes(level) && (level === 'test' || isDrawn(file)),
  );
  const executedFiles = new Set(tests.filter(wasExecuted).map(({ file }) => file));
  const whys = [...new Set(skipped.map(({ why }) => why))];
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: runs.reduce((sum, { failures }) => sum + failures.length, 0),
    skipped: skipped.length + unmade.reduce((sum, { count }) => sum + count, 0),
    lines: [
      ...runs.flatMap(({ title, failures }) => failures.map((text) => `FAILED: in the run "${title}": ${text}`)),
      ...runs.flatMap(({ title, again }) => again.map((text) => `TRIED AGAIN: in the run "${title}": ${text}`)),
      ...whys.map((why) => {
        const those = skipped.filter((test) => test.why === why);
        return `SKIPPED: ${testsOf(those.length)}, because ${why}: ${placesOf(those, executedFiles)}`;
      }),
      ...unmade.map(({ title, count, why }) => `SKIPPED: the run "${title}" (${testsOf(count)}), because ${why}`),
    ],
  };
}
