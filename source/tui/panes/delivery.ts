import type {Message} from '../../mailbox/message.ts';
import {undeliveredText, type Receipt} from '../../mailbox/receipt.ts';
import {joinPrintable, p, printable, type Printable} from '../../printable.ts';
import {deliveriesOf, type Delivery} from '../../store/delivery.ts';
import {isWaitingFor} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {theme} from '../settings/theme.ts';
import {clockSeconds, duration} from '../settings/words.ts';

/** The delivery state of a message, for the right end of its head. `now`: milliseconds since 1970. */
export function deliverySpans(state: State, message: Message, now: number): Span[] {
	const me = state.identity?.tag;
	if (me !== undefined && isWaitingFor(state, message, me)) return [{text: p`waiting for you`, style: theme.warn}];
	const deliveries = deliveriesOf(state, message, now);
	const [lost] = problems.flatMap(wrong => deliveries.filter(({rung}) => rung === wrong));
	if (lost !== undefined) return [{text: problemText(lost, deliveries.length > 1), style: theme.warn}];
	const [only] = deliveries;
	const text = deliveries.length === 1 && only !== undefined ? singleState(only, message) : combinedState(deliveries);
	return text === '' ? [] : [{text, style: theme.grey}];
}

/** States that take precedence over all others, the worst first. */
const problems = ['nobody', 'stuck', 'returned', 'undelivered'] as const;

function problemText(delivery: Delivery, isOneOfMany: boolean): Printable {
	const {reader, rung} = delivery;
	if (rung === 'nobody') return p`no agent ${printable(reader)}`;
	return p`${isOneOfMany ? p`${printable(reader)} ` : ''}${trouble(delivery)}`;
}

function trouble({rung, receipt}: Delivery): Printable {
	const {attempts = 0, takes = 0, returned = 0} = receipt ?? {};
	if (rung === 'returned') return p`delivered ${returned === 1 ? 'once' : p`${returned} times`}, not read`;
	return rung === 'undelivered' ? printable(undeliveredText(takes)) : p`stuck after ${attempts} tries`;
}

function singleState({rung, receipt}: Delivery, {created_at}: Message): Printable {
	if (receipt === null) return p``;
	if (rung === 'taken') return p`on its way`;
	if (rung === 'delivered') {
		return p`✓ delivered${routeWords(receipt)}${receipt.attempts > 1 ? p`, try ${receipt.attempts}` : ''}`;
	}
	if (rung === 'read' && receipt.read_at !== null) {
		return p`✓ read ${duration(Date.parse(receipt.read_at) - Date.parse(created_at))}`;
	}
	if (rung !== 'acked' || receipt.acked_at === null) return p``;
	return p`✓✓ acked ${duration(Date.parse(receipt.acked_at) - Date.parse(created_at))}`;
}

function combinedState(deliveries: readonly Delivery[]): Printable {
	const count = (...rungs: readonly string[]): number => deliveries.filter(({rung}) => rungs.includes(rung)).length;
	const of = (some: number): Printable =>
		some === deliveries.length ? p`all ${some}` : p`${some} of ${deliveries.length}`;
	if (count('acked') > 0) return p`✓✓ acked by ${of(count('acked'))}`;
	if (count('read') > 0) return p`✓ read by ${of(count('read'))}`;
	if (count('delivered') > 0) return p`✓ delivered to ${of(count('delivered'))}`;
	return count('taken') > 0 ? p`on its way` : p``;
}

const routes: {readonly [route: string]: Printable} = {
	// The name in rows from before these four were distinguished.
	hook: p` mid-turn`,
	start: p` at its start`,
	prompt: p` with a prompt`,
	tools: p` mid-turn`,
	stop: p` at the end of a turn`,
	mcp: p` over MCP`,
	cli: p` in the shell`,
	tui: p` on screen`,
	wake: p` by waking it`,
	reply: p` by reply`,
	answer: p` by an answer`,
	read: p` by reading it`,
};

/** How it was delivered; an unknown route by its name. */
function routeWords({route}: Receipt): Printable {
	if (route === null || route === '') return p``;
	return routes[route] ?? p` by ${printable(route.slice(0, 16))}`;
}

/** When a selected message reached each state; as much as fits into `width`, or nothing. */
export function deliveryTimes(state: State, message: Message, width: number, now: number): Span[] {
	const stored = p`#${message.id} stored ${clockSeconds(message.created_at)}`;
	const deliveries = deliveriesOf(state, message, now);
	const long = deliveries.map(delivery => timesOf(delivery, deliveries.length > 1, true));
	const short = deliveries.map(delivery => timesOf(delivery, deliveries.length > 1, false));
	const fitting = [[stored, ...long], [stored, ...short], short, [stored]]
		.map(parts =>
			joinPrintable(
				parts.filter(part => part !== ''),
				'  ',
			),
		)
		.find(text => text !== '' && textWidth(text) <= width);
	return fitting === undefined ? [] : [{text: fitting, style: theme.grey}];
}

function timesOf({reader, rung, receipt}: Delivery, isOneOfMany: boolean, withRoute: boolean): Printable {
	const name = isOneOfMany ? p`${printable(reader)} ` : p``;
	if (rung === 'nobody') return p`no agent ${printable(reader)}`;
	if (receipt === null) return name === '' ? p`` : p`${name}stored`;
	const {delivered_at, read_at, acked_at} = receipt;
	const parts: readonly (Printable | '')[] = [
		delivered_at === null ? '' : p`✓ ${clockSeconds(delivered_at)}`,
		read_at === null ? '' : p`read ${clockSeconds(read_at)}`,
		acked_at === null ? '' : p`✓✓ ${clockSeconds(acked_at)}`,
		rung === 'taken' ? p`on its way` : '',
		rung === 'stuck' || rung === 'undelivered' || rung === 'returned' ? trouble({reader, rung, receipt}) : '',
	];
	const words = joinPrintable(
		parts.filter(part => part !== ''),
		'  ',
	);
	return words === '' ? p`` : p`${name}${words}${withRoute ? routeWords(receipt) : ''}`;
}
