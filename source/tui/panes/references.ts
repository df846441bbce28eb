import type {Message} from '../../mailbox/message.ts';
import type {State} from '../../store/state/state.ts';
import type {Ui} from '../model/ui.ts';
import type {Reference} from '../model/reference.ts';
import {addressesIn} from './message-body.ts';

const numbers = /(?<![\w#&])#(\d{1,15})\b/gu;
const maxReferences = 50;

/** The links of a message. */
export function linkReferences(ui: Ui, message: Message): Reference[] {
	return addressesIn(ui, message).map(address => ({target: {type: 'link', address}, label: address}));
}

/** The tasks that a message mentions by number, and those that were asked for in it. */
export function taskReferences({tasks}: State, message: Message): Reference[] {
	const named = [...message.body.matchAll(numbers)].slice(0, maxReferences).map(([, digits]) => Number(digits));
	const asked = [...tasks.values()].filter(task => task.message_id === message.id).map(({id}) => id);
	return [...new Set([...named, ...asked])].flatMap(id => {
		const task = tasks.get(id);
		return task === undefined ? [] : [{target: {type: 'task', id}, label: `#${id} ${task.title}`}];
	});
}

/** The newest loaded message that mentions a task; null if there is none. */
export function latestMessageAboutTask({messages}: State, id: number): Message | null {
	const named = new RegExp(String.raw`(?<![\w#&])#${id}\b`, 'u');
	return messages.findLast(({body}) => named.test(body)) ?? null;
}
