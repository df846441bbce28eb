import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {agentList, statusOf} from '../../store/select.ts';
import type {State} from '../../store/state.ts';
import {numberKey, numbersOf} from '../model/arrangement.ts';
import {fuzzy} from '../settings/fuzzy.ts';
import type {Action} from '../settings/actions.ts';
import {tasksPane, type PaneId} from '../model/pane-id.ts';
import {channelName, paneName} from '../panes/header.ts';
import type {Ui} from '../model/ui.ts';
import {presenceWords} from '../settings/words.ts';
import type {ProgramCommand} from '../model/palette.ts';

/** What a choice does. */
type Target =
	| {readonly kind: 'action'; readonly action: Action}
	| {readonly kind: 'pane'; readonly pane: PaneId}
	| {readonly kind: 'write'; readonly pane: PaneId}
	| {readonly kind: 'task'; readonly id: number}
	| {readonly kind: 'search'; readonly text: string}
	| {readonly kind: 'command'; readonly command: ProgramCommand};

export interface Choice {
	/** Stable across runs, because recently used choices are remembered by it. */
	readonly id: string;
	/** The text shown, which is matched first. */
	readonly label: Printable;
	/** More text to match, shown in grey after the label. */
	readonly detail: Printable;
	/** At the right: the key that does the same, or the kind of choice. */
	readonly right: Printable;
	/** The tag whose colour the label has. */
	readonly tag: Tag | null;
	readonly target: Target;
}

/** Actions that are left out, because they move within a pane or make no sense in a list. */
const apart: ReadonlySet<Action> = new Set<Action>([
	'down',
	'up',
	'half_down',
	'half_up',
	'page_down',
	'page_up',
	'focus_number',
	'palette',
	'back',
	'interrupt',
]);

const maxTasks = 300;

/** The choices that match the typed text, best matches first; among equal matches, recently used ones first. */
export function choicesFor(state: State, ui: Ui, typed: string, now: number): Choice[] {
	const all = everyChoice(state, ui, now);
	const used = new Map(ui.recent.commands.map((id, index) => [id, index]));
	const rank = ({id}: Choice): number => used.get(id) ?? Infinity;
	const order = all.sort((one, other) => (rank(one) === rank(other) ? 0 : rank(one) - rank(other)));
	return fuzzy(typed, order, ({label, detail}) => `${label} ${detail}`);
}

function everyChoice(state: State, ui: Ui, now: number): Choice[] {
	return [
		...actionChoices(ui),
		...paneChoices(state, ui),
		...writeChoices(state, now),
		...ui.recent.searches.map((text): Choice => {
			const label = p`search ${printable(text)}`;
			return {
				id: `search ${text}`,
				label,
				detail: p``,
				right: p`searched before`,
				tag: null,
				target: {kind: 'search', text},
			};
		}),
		...taskChoices(state),
		...ui.programCommands.map((command): Choice => {
			const label = p`${printable(ui.program)} ${printable(command.name)}`;
			const detail = printable(command.summary);
			return {
				id: `command ${command.name}`,
				label,
				detail,
				right: p`in a shell`,
				tag: null,
				target: {kind: 'command', command},
			};
		}),
	];
}

/** The actions of keys in the focused pane. */
function actionChoices({search, focus, keymap: {bindings}}: Ui): Choice[] {
	const own = focus === tasksPane ? bindings.filter(({scope: place}) => place === 'tasks') : [];
	const general = bindings.filter(
		({scope: place, action}) => place === 'read' && !own.some(each => each.action === action),
	);
	return [...own, ...general]
		.filter(({help, action}) => help !== '' && !apart.has(action))
		.filter(({action}) => search !== null || (action !== 'hit_next' && action !== 'hit_previous'))
		.map(({action, help, label}): Choice => ({
			id: action,
			label: printable(help),
			detail: p``,
			right: printable(label),
			tag: null,
			target: {kind: 'action', action},
		}));
}

function paneChoices(state: State, {arrangement}: Ui): Choice[] {
	const numbers = numbersOf(arrangement);
	return arrangement.order.map((pane): Choice => {
		const name = printable(paneName(state, pane));
		return {
			id: `pane ${pane}`,
			label: p`go to ${name}`,
			detail: arrangement.hidden.has(pane) ? p`hidden` : p``,
			right: numberKey(numbers.get(pane)) || p`pane`,
			tag: pane.startsWith('#') ? null : name,
			target: {kind: 'pane', pane},
		};
	});
}

function writeChoices(state: State, now: number): Choice[] {
	const me = foldTag(state.identity?.tag ?? '');
	return agentList(state, now)
		.filter(({tag}) => foldTag(tag) !== me)
		.map((agent): Choice => {
			const pane = foldTag(agent.tag);
			const {words} = presenceWords(agent, now);
			const role = agent.role === null ? '' : p`, ${printable(agent.role)}`;
			return {
				id: `write ${pane}`,
				label: p`write to ${printable(channelName(state, pane))}`,
				detail: p`${words}${role}`,
				right: p`agent`,
				tag: agent.tag,
				target: {kind: 'write', pane},
			};
		});
}

function taskChoices(state: State): Choice[] {
	return [...state.tasks.values()]
		.sort((one, other) => other.id - one.id)
		.slice(0, maxTasks)
		.map((task): Choice => ({
			id: `task ${task.id}`,
			label: p`task #${task.id} ${printable(task.title)}`,
			detail: p`${statusOf(state, task)}${task.lease_owner === null ? '' : p`, ${printable(task.lease_owner)}`}`,
			right: p`task`,
			tag: null,
			target: {kind: 'task', id: task.id},
		}));
}
