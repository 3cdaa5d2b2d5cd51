/**
 * The reference pages: all that is printed from the code.
 *
 * Owns    the list.
 * Never   writes a file: print-docs.ts does, and test/reference-pages.test.ts compares.
 */
import { cliPage } from './cli-page.js';
import { configPage } from './config-page.js';
import { errorsPage } from './errors-page.js';
import { logsPage } from './logs-page.js';
import type { Page } from './markdown.js';
import { metricsPage } from './metrics-page.js';

export function referencePages(): readonly Page[] {
  return [cliPage(), configPage(), errorsPage(), logsPage(), metricsPage()];
}
