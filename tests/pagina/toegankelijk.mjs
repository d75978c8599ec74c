// Whether everybody can read it: WCAG 2.2 A and AA as far as axe finds out, no sideways scrolling, and how each page looks.

import path from 'node:path';

import { AUDITOR, CONTACT } from './paginas.mjs';
import { Gebreken, check, equal, hold } from './toets.mjs';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];
const NARROW = 320;
const WIDE = 1440;

/** What axe cannot decide of a contrast, by the key of its message, and why. That contrast is measured here; anything else fails. */
const MEASURED = {
  bgOverlap: 'a cell of a wide table is scrolled out of sight, or its text goes on below what cuts it off',
  elmPartiallyObscured: 'the same',
  elmPartiallyObscuring: 'the same',
  shortTextContent: 'one digit, which axe does not take for text',
  pseudoContent: 'a step of a timeline has its dot before it, beside the text',
  imgNode: 'a name in a drawing, on what is drawn below it',
  bgImage: 'a select has its arrow at its end, beside the text',
};
/** WCAG 2.2, 1.4.3: of text, and of large text. */
const CONTRAST = { text: 4.5, large: 3 };

/** Which page a picture is of. */
const pictureOf = address =>
  address === '/'
    ? 'overzicht'
    : address
        .slice(1)
        .replace(/[0-9a-f-]{36}|\d+$/, 'een')
        .replace(/[^a-z]+/g, '-')
        .replace(/-$/, '');

async function judged(browser, page, wrong, what) {
  const { violations, incomplete } = await new browser.AxeBuilder({ page })
    .withTags(TAGS)
    .setLegacyMode(true)
    .analyze();
  const told = (rule, node) =>
    `${what}: ${rule.id} at ${node.target.join(' ')}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message}`;
  for (const rule of violations) for (const node of rule.nodes.slice(0, 5)) wrong.found.push(told(rule, node));
  for (const rule of incomplete) {
    const isMeasured = node => rule.id === 'color-contrast' && MEASURED[node.any[0]?.data?.messageKey];
    for (const node of rule.nodes.filter(of => !isMeasured(of)).slice(0, 5))
      wrong.found.push(`${told(rule, node)} (axe cannot decide)`);
    const low = await page.evaluate(contrasts, [
      rule.nodes.filter(isMeasured).map(({ target }) => target.at(-1)),
      CONTRAST,
    ]);
    for (const of of low.slice(0, 5)) wrong.found.push(`${what}: contrast, measured: ${of}`);
  }
}

/** In the page: which of these have too little contrast with what lies behind them, or where that cannot be said. */
function contrasts([selectors, { text: most, large }]) {
  const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', {
    willReadFrequently: true,
  });
  // Colours, each drawn over those before it, as what is seen.
  const drawn = colours => {
    canvas.clearRect(0, 0, 1, 1);
    for (const colour of colours) {
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
    }
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = rgb => {
    const [r, g, b] = rgb
      .slice(0, 3)
      .map(of => of / 255)
      .map(of => (of <= 0.04045 ? of / 12.92 : ((of + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const wrong = [];
  for (const selector of selectors) {
    const at = document.querySelector(selector);
    const style = getComputedStyle(at);
    // In a drawing, also the shapes at the middle of the text.
    at.scrollIntoView({ behavior: 'instant', block: 'center', inline: 'center' });
    const { left, right, top, bottom } = at.getBoundingClientRect();
    const below = at instanceof SVGElement ? document.elementsFromPoint((left + right) / 2, (top + bottom) / 2) : [];
    const shapes = below
      .filter(of => of instanceof SVGGeometryElement)
      .map(of => getComputedStyle(of).fill)
      .filter(of => of !== 'none');
    const behind = shapes.reverse();
    for (let of = at; of && drawn(behind)[3] < 255; of = of.parentElement) {
      const around = getComputedStyle(of);
      behind.unshift(around.backgroundColor);
      const isSelect = of.localName === 'select';
      if ((around.backgroundImage !== 'none' && !isSelect) || Number(around.opacity) < 1)
        wrong.push(`${selector}: something is drawn behind it`);
    }
    if (drawn(behind)[3] < 255) wrong.push(`${selector}: nothing is behind it`);
    const front = at instanceof SVGElement ? style.fill : style.color;
    const [dark, light] = [drawn(behind), drawn([...behind, front])].map(luminance).sort((one, other) => one - other);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? large : most;
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < needed) wrong.push(`${selector}: ${ratio.toFixed(2)}, less than ${needed}`);
  }
  return wrong;
}

const sideways = page =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.scrollingElement;
    return scrollWidth > clientWidth ? `${scrollWidth} px wide in ${clientWidth} px` : '';
  });

export async function toegankelijk(bench) {
  const { browser, shown, dossier, schermen } = bench;
  const each = [
    ...shown.map(({ address }) => [AUDITOR, address, pictureOf(address)]),
    [CONTACT, '/inzage', 'contactpunt-inzage'],
    [CONTACT, `/inzage/${dossier}`, 'contactpunt-inzage-een'],
    [CONTACT, `/inzage/${dossier}/overzicht`, 'contactpunt-inzage-overzicht'],
    [AUDITOR, '/onbekend', 'niet-gevonden'],
    [AUDITOR, '/?van=gisteren', 'fout'],
  ];
  const windows = new Map();
  for (const naam of [AUDITOR, CONTACT]) windows.set(naam, await (await browser.window(naam)).newPage());
  for (const [naam, address, picture] of each) {
    await check(`axe finds nothing on ${picture}, light and dark, narrow and wide`, async () => {
      const page = windows.get(naam);
      const wrong = new Gebreken();
      await page.goto(address);
      for (const colorScheme of ['light', 'dark']) {
        for (const width of [WIDE, NARROW]) {
          await page.emulateMedia({ colorScheme });
          await page.setViewportSize({ width, height: 900 });
          await judged(browser, page, wrong, `${colorScheme}, ${width} px`);
          if (width === WIDE || colorScheme === 'light') {
            await page.screenshot({
              path: path.join(schermen, `${picture}-${colorScheme}-${width}.png`),
              fullPage: true,
            });
          }
          if (width === NARROW)
            await wrong.of('320 px', async () => equal(await sideways(page), '', 'it scrolls sideways'));
        }
      }
      wrong.none();
    });
  }
  for (const page of windows.values()) await page.context().close();
  await resized(bench, each);
  await check('no two texts in a drawing lie over each other', () =>
    browser.in(AUDITOR, {}, async page => {
      const wrong = [];
      for (const [naam, address, picture] of each) {
        if (naam !== AUDITOR) continue;
        await page.goto(address);
        const over = await page.evaluate(() =>
          [...document.querySelectorAll('svg')].flatMap(svg => {
            const texts = [...svg.querySelectorAll('text')].map(at => [
              at.textContent.trim(),
              at.getBoundingClientRect(),
            ]);
            const isOver = (one, other) =>
              Math.min(one.right, other.right) - Math.max(one.left, other.left) > 1 &&
              Math.min(one.bottom, other.bottom) - Math.max(one.top, other.top) > 3;
            return texts.flatMap(([text, at], index) =>
              texts
                .slice(index + 1)
                .filter(([, of]) => isOver(at, of))
                .map(([of]) => `${text} and ${of}`),
            );
          }),
        );
        if (over.length > 0) wrong.push(`${picture}: ${over.slice(0, 8).join('; ')}`);
      }
      hold(wrong.length === 0, wrong.join('\n'));
    }),
  );
  await check('what is folded on the screen is printed', () =>
    browser.in(AUDITOR, {}, async page => {
      await page.goto('/convenanten');
      const cells = page.locator('details:not([open]) td');
      const seen = () => cells.evaluateAll(all => all.filter(at => at.checkVisibility()).length);
      hold((await cells.count()) > 0, 'nothing is folded');
      equal(await seen(), 0, 'cells that are seen on the screen');
      await page.emulateMedia({ media: 'print' });
      equal(await seen(), await cells.count(), 'cells that are printed');
    }),
  );
  await check('the report prints as a PDF, without what is only for a screen', () =>
    browser.in(AUDITOR, {}, async page => {
      await page.goto('/rapport');
      await page.emulateMedia({ media: 'print' });
      for (const of of ['nav.menu', 'form', '.niet-afdrukken']) {
        hold(await page.locator(of).evaluateAll(all => all.every(at => !at.checkVisibility())), `${of} is printed`);
      }
      equal(await sideways(page), '', 'it is wider than the paper');
      const pdf = await page.pdf({ path: path.join(schermen, 'rapport.pdf'), format: 'A4', printBackground: true });
      hold(pdf.subarray(0, 5).toString() === '%PDF-' && pdf.length > 10_000, 'no PDF');
    }),
  );
}

/**
 * Text of twice the size, as somebody sets it in the browser. It is set as that setting of Chromium, so that media
 * queries in em see it too; the CSP refuses a style that is put into the page.
 */
async function resized({ browser }, each) {
  await check('with text of twice the size, nothing scrolls sideways at 640 px', () =>
    browser.in(AUDITOR, { viewport: { width: 640, height: 900 } }, async (page, context) => {
      const wrong = new Gebreken();
      const size = () => page.evaluate(() => parseFloat(getComputedStyle(document.body).fontSize));
      await page.goto('/');
      const before = await size();
      const session = await context.newCDPSession(page);
      await session.send('Page.setFontSizes', { fontSizes: { standard: 32, fixed: 26 } });
      for (const [naam, address] of each) {
        if (naam !== AUDITOR) continue;
        await wrong.of(address, async () => {
          await page.goto(address);
          const now = await size();
          hold(now >= 1.9 * before, `the text is ${now} px and was ${before} px: it does not follow the setting`);
          equal(await sideways(page), '', 'it scrolls sideways');
        });
      }
      wrong.none();
    }),
  );
}
