import type {AgentState} from '../../mailbox/state-change.ts';
import type {Span} from '../screen/strip.ts';
import {theme} from '../theme.ts';
import type {Bar} from './bars.ts';

/** How an agent stood: the sign before its name, words, and the trace that it leaves. Told apart by sign as by colour. */
export const presenceSigns: {
	readonly [State in AgentState | 'unknown']: {readonly sign: Span; readonly words: string; readonly trace: Span};
} = {
	working: look('●', 'in a turn', '─', theme.good),
	blocked: look('◐', 'blocked', '╌', theme.warn),
	idle: look('◌', 'idle', '┈', theme.faint, theme.grey),
	away: look('○', 'away', ' ', theme.grey),
	gone: look('×', 'gone', ' ', theme.grey),
	revoked: look('×', 'revoked', ' ', theme.bad),
	unknown: look('?', 'unknown', '?', theme.faint, theme.grey),
};

function look(sign: string, words: string, trace: string, style: Span['style'], signStyle = style) {
	return {sign: {text: sign, style: signStyle}, words, trace: {text: trace, style}};
}

/** How a bar begins, and what it is made of. */
export const barSigns: {readonly [State in Bar['state']]: {readonly start: Span; readonly line: Span}} = {
	running: {start: {text: '▶', style: theme.good}, line: {text: '━', style: theme.good}},
	queued: {start: {text: '○', style: theme.grey}, line: {text: '┄', style: theme.grey}},
	unknown: {start: {text: '?', style: theme.grey}, line: {text: '╌', style: theme.faint}},
};

export const endSigns: {readonly [End in NonNullable<Bar['end']>]: Span} = {
	done: {text: '✓', style: theme.good},
	failed: {text: '✗', style: theme.bad},
	dead: {text: '✗', style: theme.badStrong},
	cancelled: {text: '–', style: theme.grey},
	queued: {text: '↻', style: theme.warn},
};
