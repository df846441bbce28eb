import type {Attack} from './attack.ts';
import {browser} from './browser/browser.ts';
import {canary} from './canary.ts';
import {forge} from './forge/forge.ts';
import {identity} from './identity.ts';
import {rights} from './rights/rights.ts';

/** In the order in which they are carried out. */
export const attacks: readonly Attack[] = [rights, forge, identity, browser, canary];
