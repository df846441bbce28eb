import type {Message} from '../../mailbox/message.ts';
import type {Receipt} from '../../mailbox/receipt.ts';
import {printable} from '../../printable.ts';
import {deliveriesOf, type Delivery} from '../../store/delivery.ts';
import {isWaitingFor} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {textWidth, type Span} from '../screen/strip.ts';
import {theme} from '../theme.ts';
import {clockSeconds, duration} from '../words.ts';

/** What happened to the message at its readers, for the right end of its head. `now`: milliseconds since 1970. */
export function deliverySpans(state: State, message: Message, now: number): Span[] {
	const me = state.identity?.tag;
	if (me !== undefined && isWaitingFor(state, message, me)) return [{text: 'waiting for you', style: theme.warn}];
	const deliveries = deliveriesOf(state, message, now);
	const lost = deliveries.find(({rung}) => rung === 'nobody') ?? deliveries.find(({rung}) => rung === 'stuck');
	if (lost !== undefined) return [{text: complaint(lost, deliveries.length > 1), style: theme.warn}];
	const [only] = deliveries;
	const text = deliveries.length === 1 && only !== undefined ? ladder(only, message) : together(deliveries);
	return text === '' ? [] : [{text, style: theme.grey}];
}

function complaint({reader, rung, receipt}: Delivery, isOneOfMany: boolean): string {
	if (rung === 'nobody') return `no agent ${printable(reader)}`;
	return `${isOneOfMany ? `${printable(reader)} ` : ''}stuck after ${receipt?.attempts ?? 0} tries`;
}

function ladder({rung, receipt}: Delivery, {created_at}: Message): string {
	if (receipt === null) return '';
	if (rung === 'taken') return 'on its way';
	if (rung === 'delivered') {
		return `✓ delivered${routeWords(receipt)}${receipt.attempts > 1 ? `, try ${receipt.attempts}` : ''}`;
	}
	if (rung !== 'acked' || receipt.acked_at === null) return '';
	return `✓✓ acked ${duration(Date.parse(receipt.acked_at) - Date.parse(created_at))}`;
}

function together(deliveries: readonly Delivery[]): string {
	const count = (...rungs: readonly string[]): number => deliveries.filter(({rung}) => rungs.includes(rung)).length;
	const of = (some: number): string => (some === deliveries.length ? `all ${some}` : `${some} of ${deliveries.length}`);
	if (count('acked') > 0) return `✓✓ acked by ${of(count('acked'))}`;
	if (count('delivered') > 0) return `✓ delivered to ${of(count('delivered'))}`;
	return count('taken') > 0 ? 'on its way' : '';
}

const routes: {readonly [route: string]: string} = {
	// As it was called before these four were told apart.
	hook: ' mid-turn',
	start: ' at its start',
	prompt: ' with a prompt',
	tools: ' mid-turn',
	stop: ' at the end of a turn',
	mcp: ' over MCP',
	cli: ' in the shell',
	tui: ' on screen',
	wake: ' by waking it',
	reply: ' by reply',
};

/** By which way it got there; a route that we do not know, in its own words. */
function routeWords({route}: Receipt): string {
	if (route === null || route === '') return '';
	return routes[route] ?? ` by ${printable(route.slice(0, 16))}`;
}

/** When each rung was reached, of a message that was selected; as much of it as fits into `width`, or nothing. */
export function deliveryTimes(state: State, message: Message, width: number, now: number): Span[] {
	const stored = `#${message.id} stored ${clockSeconds(message.created_at)}`;
	const deliveries = deliveriesOf(state, message, now);
	const long = deliveries.map(delivery => times(delivery, deliveries.length > 1, true));
	const short = deliveries.map(delivery => times(delivery, deliveries.length > 1, false));
	const fitting = [[stored, ...long], [stored, ...short], short, [stored]]
		.map(parts => parts.filter(part => part !== '').join('  '))
		.find(text => text !== '' && textWidth(text) <= width);
	return fitting === undefined ? [] : [{text: fitting, style: theme.grey}];
}

function times({reader, rung, receipt}: Delivery, isOneOfMany: boolean, withRoute: boolean): string {
	const name = isOneOfMany ? `${printable(reader)} ` : '';
	if (rung === 'nobody') return `no agent ${printable(reader)}`;
	if (receipt === null) return name === '' ? '' : `${name}stored`;
	const {delivered_at, acked_at, attempts} = receipt;
	const parts = [
		delivered_at === null ? '' : `✓ ${clockSeconds(delivered_at)}`,
		acked_at === null ? '' : `✓✓ ${clockSeconds(acked_at)}`,
		rung === 'taken' ? 'on its way' : '',
		rung === 'stuck' ? `stuck after ${attempts} tries` : '',
	];
	const said = parts.filter(part => part !== '').join('  ');
	return said === '' ? '' : `${name}${said}${withRoute ? routeWords(receipt) : ''}`;
}
