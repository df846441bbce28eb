import type {Attack} from './attack.ts';
import {backup} from './backup.ts';
import {browser} from './browser/browser.ts';
import {budgets} from './budgets.ts';
import {canary} from './canary.ts';
import {forge} from './forge/forge.ts';
import {identity} from './identity.ts';
import {sockets} from './sockets.ts';
import {terminal} from './terminal/terminal.ts';
import {squat} from './squat.ts';
import {tokens} from './tokens.ts';
import {homes} from './homes.ts';
import {signature} from './signature.ts';
import {rights} from './rights/rights.ts';

/** In the order in which they are carried out. */
export const attacks: readonly Attack[] = [
	terminal,
	rights,
	forge,
	identity,
	signature,
	tokens,
	squat,
	homes,
	backup,
	budgets,
	sockets,
	browser,
	canary,
];
