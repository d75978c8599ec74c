// Somebody who comes at the database changes one byte of an old logregel.

import { execFileSync } from 'node:child_process';
import path from 'node:path';

import { AUDITOR, FG, h1 } from './paginas.mjs';
import { check, equal, hold, within } from './toets.mjs';

const RECOMPUTED_SECONDS = 60;

const CHANGE = `
import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=10) as db:
    regel = bytes(db.execute("select regel from logregels where log_index = ?", (int(sys.argv[2]),)).fetchone()[0])
    # The last digit of the second in which it happened.
    at = regel.index(b'"tijd":"') + len('"tijd":"2026-11-30T08:43:0')
    other = regel[:at] + bytes([ord("0") + (regel[at] - ord("0") + 1) % 10]) + regel[at + 1:]
    assert len(other) == len(regel) and other != regel
    db.execute("update logregels set regel = ? where log_index = ?", (other, int(sys.argv[2])))
db.close()
`;

/** What the overview says of the logboek, when it is recomputed. */
async function alert(poort) {
  const ask = async () => {
    for (;;) {
      const answer = await poort.ask(AUDITOR, '/').catch(() => undefined);
      const said = answer?.text.match(/<div class="utrecht-alert utrecht-alert--(\w+)".*?<\/div>/s);
      if (said && said[1] !== 'info') return { soort: said[1], text: said[0], answer };
      await new Promise(resolve => {
        setTimeout(resolve, 300);
      });
    }
  };
  return within(RECOMPUTED_SECONDS, 'the logboek is recomputed', ask());
}

export async function geknoeid({ poort, browser, demo, bewijs, schermen }) {
  const written = (await poort.regels()).length;
  await poort.stop(demo);
  await check('after a start, the overview says that all of the logboek was recomputed and holds', async () => {
    const served = poort.serve();
    const { soort, text } = await alert(poort);
    await poort.stop(served);
    equal([soort, text.includes('Het logboek klopt</h2>')], ['ok', true], 'what it says');
    const recomputed = Number(text.match(/([\d.]+) logregels/)?.[1].replaceAll('.', ''));
    hold(recomputed >= written, `it recomputed ${recomputed} logregels of at least ${written}`);
  });
  await check('one byte of an old logregel changed, and the overview says at which one', async () => {
    execFileSync('python3', ['-c', CHANGE, path.join(poort.data, 'ketenpoort.db'), String(bewijs)], {
      timeout: 20_000,
    });
    const served = poort.serve();
    try {
      const { soort, text, answer } = await alert(poort);
      equal([answer.status, h1(answer.text), soort], [200, 'Overzicht', 'error'], 'status, page and alert');
      hold(text.includes('Het logboek klopt niet'), `it says: ${text}`);
      hold(new RegExp(`(?<!\\d)${bewijs}(?!\\d)`).test(text), `it does not say that it is logregel ${bewijs}: ${text}`);
      await browser.in(FG, {}, async page => {
        await page.goto('/');
        hold(
          (await page.locator('.utrecht-alert--error').innerText()).includes('Het logboek klopt niet'),
          'an FG sees no alert',
        );
        await page.screenshot({ path: path.join(schermen, 'overzicht-geknoeid.png'), fullPage: true });
      });
    } finally {
      await poort.stop(served);
    }
  });
}
