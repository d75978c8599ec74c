// Controleren: what was kept is handed in again, after the logboek grew.

import { AUDITOR, FG } from './paginas.mjs';
import { check, equal, hold } from './toets.mjs';

/** What the page says of something that was handed in. */
async function verdict(page) {
  return page.locator('.utrecht-alert h2').allInnerTexts();
}

async function handed(page, kept, way) {
  await page.goto('/controleren');
  if (way === 'bestand') {
    await page.setInputFiles('#bestand', { name: 'bewaard.txt', mimeType: 'text/plain', buffer: Buffer.from(kept) });
  } else {
    await page.fill('#tekst', kept);
  }
  await page.getByRole('button', { name: 'Controleer' }).click();
  await page.waitForLoadState();
  return verdict(page);
}

/** The same with another character at this place. */
function changed(text, at) {
  const one = text[at] === 'A' ? 'B' : 'A';
  return text.slice(0, at) + one + text.slice(at + 1);
}

export async function controleren({ poort, browser, bewijs, watchers }) {
  const download = async (page, address) => {
    const [kept] = await Promise.all([page.waitForEvent('download'), page.goto(address).catch(() => {})]);
    const parts = [];
    for await (const part of await kept.createReadStream()) parts.push(part);
    return { naam: kept.suggestedFilename(), text: Buffer.concat(parts).toString() };
  };
  for (const way of ['bestand', 'tekst']) {
    await check(`a checkpoint that was kept belongs to the logboek after it grew, as ${way}`, () =>
      browser.in(FG, { acceptDownloads: true }, async page => {
        const { naam, text } = await download(page, '/checkpoint');
        equal(naam, 'checkpoint.txt', 'the name of the file');
        for (const watcher of watchers) await poort.ask(watcher, '/datalekken');
        equal(await handed(page, text, way), ['Dit checkpoint hoort bij dit logboek'], 'what it says');
        const size = Number(text.split('\n')[1]);
        const said = (await page.locator('.utrecht-alert').innerText()).replaceAll('.', '');
        hold(
          said.includes(`${size} logregels`) && /tot \d+ logregels/.test(said),
          `it does not say how it grew: ${said}`,
        );
      }),
    );
    await check(`a proof that was kept holds after the logboek grew, as ${way}`, () =>
      browser.in(FG, { acceptDownloads: true }, async page => {
        const { naam, text } = await download(page, `/bewijs/${bewijs}`);
        equal(naam, `logregel-${bewijs}.tlog-proof`, 'the name of the file');
        await poort.ask(AUDITOR, '/datalekken');
        equal(await handed(page, text, way), ['Dit bewijs klopt, en de logregel staat in het logboek'], 'what it says');
        hold(
          (await page.locator('pre').first().innerText()).includes('"soort":"aanvaard"'),
          'it does not show the regel',
        );
      }),
    );
  }
  await check('one character of a checkpoint changed, and it does not belong to the logboek', async () => {
    const { text } = await poort.ask(FG, '/checkpoint');
    const [naam, size, root] = text.split('\n');
    const wrongs = {
      'its size': text.replace(`\n${size}\n`, `\n${Number(size) - 1}\n`),
      'its root': changed(text, naam.length + size.length + 6),
      'its signature': changed(text, text.lastIndexOf(' ') + 20),
      'its name': changed(text, 3),
    };
    hold(root, 'no checkpoint');
    for (const [what, kept] of Object.entries(wrongs)) {
      const answer = await poort.handIn(FG, kept);
      equal(
        [answer.status, /hoort niet bij dit logboek/.test(answer.text), /alert--ok/.test(answer.text)],
        [200, true, false],
        what,
      );
    }
  });
  await check('one character of a proof changed, and it does not hold', async () => {
    const { text } = await poort.ask(FG, `/bewijs/${bewijs}`);
    const lines = text.split('\n');
    const starts = lines.map((line, at) => lines.slice(0, at).join('\n').length + (at > 0 ? 1 : 0));
    // The kind of the file is its first line; any other line is changed.
    for (const [at, line] of lines.entries()) {
      if (at === 0 || line.length === 0) continue;
      const answer = await poort.handIn(FG, changed(text, starts[at] + Math.floor(line.length / 2)));
      const isSaid = /klopt niet|hoort niet bij dit logboek/.test(answer.text);
      equal([answer.status, isSaid, /alert--ok/.test(answer.text)], [200, true, false], `line ${at}, ${line}`);
    }
  });
  await check('the proofs in a receipt are checked each', async () => {
    const { text } = await poort.ask(FG, `/bewijs/${bewijs}`);
    const receipt = JSON.stringify({
      bericht: 'x',
      ontvangers: [{ bewijs: text }, { bewijs: changed(text, text.length - 9) }],
    });
    const answer = await poort.handIn(FG, receipt);
    const said = [...answer.text.matchAll(/alert--(ok|error)/g)].map(([, of]) => of);
    equal(said, ['ok', 'error'], 'what it says of each');
  });
  await check('what is no proof at all is told as such', async () => {
    for (const kept of [
      'hallo',
      '{"a":1}',
      '[]',
      'c2sp.org/tlog-proof@v1',
      'c2sp.org/tlog-proof@v1\n\n"><script>alert(1)</script>',
    ]) {
      const answer = await poort.handIn(FG, kept);
      equal(
        [answer.status, /alert--error/.test(answer.text), /"><script>/.test(answer.text)],
        [200, true, false],
        kept,
      );
    }
  });
}
