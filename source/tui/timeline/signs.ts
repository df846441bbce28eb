import type {AgentState} from '../../mailbox/state-change.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {p, type Printable} from '../../printable.ts';
import type {Bar} from './bars.ts';

/** Presence as a sign before the name, in words, and as a trace; distinguishable without colours. */
export const presenceSigns: {
	readonly [State in AgentState | 'unknown']: {readonly sign: Span; readonly words: Printable; readonly trace: Span};
} = {
	working: look(p`●`, p`in a turn`, p`─`, theme.good),
	blocked: look(p`◐`, p`blocked`, p`╌`, theme.warn),
	idle: look(p`◌`, p`idle`, p`┈`, theme.faint, theme.grey),
	away: look(p`○`, p`away`, p` `, theme.grey),
	gone: look(p`×`, p`gone`, p` `, theme.grey),
	revoked: look(p`×`, p`revoked`, p` `, theme.bad),
	unknown: look(p`?`, p`unknown`, p`?`, theme.faint, theme.grey),
};

function look(sign: Printable, words: Printable, trace: Printable, style: Span['style'], signStyle = style) {
	return {sign: {text: sign, style: signStyle}, words, trace: {text: trace, style}};
}

/** The first glyph of a bar, and its further ones. */
export const barSigns: {readonly [State in Bar['state']]: {readonly start: Span; readonly line: Span}} = {
	running: {start: {text: p`▶`, style: theme.good}, line: {text: p`━`, style: theme.good}},
	queued: {start: {text: p`○`, style: theme.grey}, line: {text: p`┄`, style: theme.grey}},
	unknown: {start: {text: p`?`, style: theme.grey}, line: {text: p`╌`, style: theme.faint}},
};

export const endSigns: {readonly [End in NonNullable<Bar['end']>]: Span} = {
	done: {text: p`✓`, style: theme.good},
	failed: {text: p`✗`, style: theme.bad},
	dead: {text: p`✗`, style: theme.badStrong},
	cancelled: {text: p`–`, style: theme.grey},
	queued: {text: p`↻`, style: theme.warn},
};
