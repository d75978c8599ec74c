// With the keyboard alone.

import { AUDITOR } from './paginas.mjs';
import { check, equal, hold } from './toets.mjs';

const MOST_TABS = 120;

/** What has the focus, and whether somebody sees that it has. */
const focused = page =>
  page.evaluate(() => {
    const at = document.activeElement;
    const style = getComputedStyle(at);
    const { left, top, right, bottom } = at.getBoundingClientRect();
    // Of a date field, the button of its calendar has the focus then; Chromium marks that one itself.
    const isCalendar = at.type === 'date' && !at.matches(':focus');
    const isOutlined = isCalendar || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1);
    const isInside =
      right > left && bottom > top && left >= 0 && top >= 0 && right <= innerWidth + 1 && top < innerHeight;
    return {
      id: at.id,
      tag: at.localName,
      text: at.textContent.trim().slice(0, 60),
      href: at.getAttribute('href'),
      isVisible: isInside && style.visibility === 'visible' && Number(style.opacity) > 0 && style.clipPath === 'none',
      isMarked: isOutlined || style.boxShadow !== 'none',
    };
  });

/** Goes on with Tab until something has the focus. */
async function tabTo(page, what, is) {
  for (let tabs = 0; tabs < MOST_TABS; tabs += 1) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (is(at)) return at;
  }
  throw new Error(`${what} is not reached with ${MOST_TABS} tabs`);
}

export async function toetsenbord({ browser, shown, menu }) {
  for (const width of [1440, 320]) {
    const options = { viewport: { width, height: 900 } };
    await check(`the first tab shows the way to the content, and Enter goes there, at ${width} px`, () =>
      browser.in(AUDITOR, options, async page => {
        for (const { address } of shown) {
          await page.goto(address);
          await page.keyboard.press('Tab');
          const at = await focused(page);
          equal(
            [at.text, at.isVisible, at.isMarked],
            ['Naar de inhoud', true, true],
            `${address}: text, in sight, and marked`,
          );
          await page.keyboard.press('Enter');
          equal((await focused(page)).tag, 'main', `${address}: what has the focus then`);
        }
      }),
    );
    await check(`each page of the menu is reached with the keyboard, in sight and marked, at ${width} px`, () =>
      browser.in(AUDITOR, options, async page => {
        await page.goto('/');
        for (const address of menu) {
          const at = await tabTo(page, address, of => of.href === address);
          equal([at.isVisible, at.isMarked], [true, true], `${address}: in sight, and marked`);
        }
        await page.keyboard.press('Enter');
        await page.waitForURL(`**${menu.at(-1)}`);
        equal(
          await page.locator('nav [aria-current=page]').getAttribute('href'),
          menu.at(-1),
          'which page the menu says this is',
        );
      }),
    );
  }
  await check('whatever has the focus is in sight and marked, on each page', () =>
    browser.in(AUDITOR, {}, async page => {
      const wrong = [];
      for (const { address } of shown) {
        await page.goto(address);
        for (let tabs = 0; tabs < 40; tabs += 1) {
          await page.keyboard.press('Tab');
          const at = await focused(page);
          if (at.tag === 'body') break;
          if (!at.isMarked) wrong.push(`${address}: ${at.tag} ${at.id || at.text} is not marked`);
        }
      }
      hold(wrong.length === 0, wrong.join('\n'));
    }),
  );
  await check('the filters open with the keyboard, and Enter searches', () =>
    browser.in(AUDITOR, {}, async page => {
      await page.goto('/uitwisselingen');
      await tabTo(page, 'the filters', ({ tag }) => tag === 'summary');
      await page.keyboard.press('Enter');
      hold(await page.locator('details').evaluate(of => of.open), 'Enter does not open the filters');
      await tabTo(page, 'what happened', ({ id }) => id === 'soort');
      await page.keyboard.type('aanv');
      await tabTo(page, 'the loket', ({ id }) => id === 'loket');
      await page.keyboard.type('zsm/jeugd');
      await Promise.all([page.waitForURL(/loket=/), page.keyboard.press('Enter')]);
      const asked = new URL(page.url()).searchParams;
      equal([asked.get('loket'), asked.get('soort')], ['zsm/jeugd', 'aanvaard'], 'what was asked');
      equal(await page.inputValue('#loket'), 'zsm/jeugd', 'what the field says');
    }),
  );
  await check('filters that are in use are in sight', () =>
    browser.in(AUDITOR, {}, async page => {
      await page.goto('/uitwisselingen?soort=geweigerd');
      hold(await page.locator('#soort').isVisible(), 'nothing shows that only a part was asked for');
    }),
  );
}
