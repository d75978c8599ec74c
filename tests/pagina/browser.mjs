// Chromium, with the certificate of who looks.

import { createRequire } from 'node:module';
import path from 'node:path';

const CHROMIUM = '/usr/bin/chromium';
const PAGE_MILLIS = 20_000;

export class Browser {
  /** The packages stand in a folder of their own; modules do not look at NODE_PATH. */
  static async start(packages, poort, home) {
    const require = createRequire(path.resolve(packages, 'package.json'));
    const { chromium } = require('playwright-core');
    const { AxeBuilder } = require('@axe-core/playwright');
    const launched = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox'],
      // Nothing is left in the home of who tests; date fields are written as in Dutch.
      env: { ...process.env, HOME: home, LANGUAGE: 'nl' },
      timeout: 60_000,
    });
    return Object.assign(new Browser(), { launched, AxeBuilder, poort });
  }

  /** A window of somebody. What it asks of another origin, and what it complains about, is kept. */
  async window(naam, options = {}) {
    const origin = this.poort.address;
    const certificates = naam ? [{ origin, ...this.poort.profile(naam) }] : [];
    const context = await this.launched.newContext({
      ignoreHTTPSErrors: true,
      clientCertificates: certificates,
      baseURL: origin,
      viewport: { width: 1440, height: 900 },
      locale: 'nl-NL',
      ...options,
    });
    context.setDefaultTimeout(PAGE_MILLIS);
    const complaints = [];
    const strangers = [];
    context.on('request', request => {
      const { protocol, origin: of } = new URL(request.url());
      if (of !== origin && !['about:', 'data:', 'chrome-error:'].includes(protocol)) strangers.push(request.url());
    });
    context.on('console', message => {
      if (['error', 'warning'].includes(message.type())) complaints.push(`${message.page()?.url()}: ${message.text()}`);
    });
    context.on('weberror', error => complaints.push(String(error.error())));
    return Object.assign(context, { complaints, strangers });
  }

  /** Runs something in a window that is closed after it. */
  async in(naam, options, run) {
    const context = await this.window(naam, options);
    try {
      return await run(await context.newPage(), context);
    } finally {
      await context.close();
    }
  }

  stop() {
    return this.launched?.close();
  }
}
