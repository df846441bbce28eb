import type {Attack} from './attack.ts';
import {browser} from './browser/browser.ts';
import {rights} from './rights/rights.ts';

/** In the order in which they are carried out. */
export const attacks: readonly Attack[] = [rights, browser];
