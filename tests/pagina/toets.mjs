// Checks: each is a sentence that holds or does not. Every one has a deadline, and one that fails stops no other.

const CHECK_SECONDS = 60;

let passed = 0;
const failed = [];

/** Ends the check that runs, where something does not hold. */
export function hold(condition, message) {
  if (!condition) throw new Error(message);
}

export function equal(found, expected, what) {
  const [one, other] = [found, expected].map(value => JSON.stringify(value));
  hold(one === other, `${what}: ${one}, and not ${other}`);
}

/** What a promise gives, within so many seconds. */
export async function within(seconds, what, promise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs one check. Its name is the sentence that must hold. */
export async function check(sentence, run, seconds = CHECK_SECONDS) {
  try {
    await within(seconds, 'the check', Promise.resolve().then(run));
    passed += 1;
    console.log(`ok - ${sentence}`);
  } catch (error) {
    failed.push(sentence);
    const lines = String(error?.message ?? error)
      .split('\n')
      .slice(0, 40);
    console.log(`FOUT - ${sentence}\n${lines.map(line => `       ${line}`).join('\n')}`);
  }
}

/** What went wrong of several things, all of it at once. */
export class Gebreken {
  constructor() {
    this.found = [];
  }

  async of(what, run) {
    try {
      await run();
    } catch (error) {
      this.found.push(`${what}: ${error?.message ?? error}`);
    }
  }

  none() {
    hold(this.found.length === 0, this.found.join('\n'));
  }
}

/** The summary, and whether all held. */
export function summary(seconds) {
  for (const sentence of failed) console.log(`FOUT - ${sentence}`);
  console.log(`checks: ${passed} passed, ${failed.length} failed, in ${seconds} s`);
  return failed.length === 0 && passed > 0;
}
