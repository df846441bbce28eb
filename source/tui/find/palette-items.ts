import {foldTag, type Tag} from '../../mailbox/tag.ts';
import {p, printable, type Printable} from '../../printable.ts';
import {agentList, statusOf} from '../../store/select.ts';
import type {State} from '../../store/state/state.ts';
import {numberKey, numbersOf} from '../model/arrangement.ts';
import {fuzzy} from '../settings/fuzzy.ts';
import type {Action} from '../settings/actions.ts';
import {tasksPane, type PaneId} from '../model/pane-id.ts';
import {channelName, paneName} from '../panes/header.ts';
import type {Ui} from '../model/ui.ts';
import {presenceWords} from '../settings/words.ts';
import type {ProgramCommand} from '../model/palette.ts';

/** What a choice does. */
type PaletteTarget =
	| {readonly kind: 'action'; readonly action: Action}
	| {readonly kind: 'pane'; readonly pane: PaneId}
	| {readonly kind: 'write'; readonly pane: PaneId}
	| {readonly kind: 'task'; readonly id: number}
	| {readonly kind: 'search'; readonly text: string}
	| {readonly kind: 'command'; readonly command: ProgramCommand};

export interface PaletteItem {
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
	readonly target: PaletteTarget;
}

/** Actions that are left out, because they move within a pane or make no sense in a list. */
const excluded: ReadonlySet<Action> = new Set<Action>([
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
export function paletteItems(state: State, ui: Ui, typed: string, now: number): PaletteItem[] {
	const all = allItems(state, ui, now);
	const used = new Map(ui.recent.commands.map((id, index) => [id, index]));
	const rank = ({id}: PaletteItem): number => used.get(id) ?? Infinity;
	const order = all.sort((one, other) => (rank(one) === rank(other) ? 0 : rank(one) - rank(other)));
	return fuzzy(typed, order, ({label, detail}) => `${label} ${detail}`);
}

function allItems(state: State, ui: Ui, now: number): PaletteItem[] {
	return [
		...actionItems(ui),
		...paneItems(state, ui),
		...writeItems(state, now),
		...ui.recent.searches.map((text): PaletteItem => {
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
		...taskItems(state),
		...ui.programCommands.map((command): PaletteItem => {
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
function actionItems({search, focus, keymap: {bindings}}: Ui): PaletteItem[] {
	const own = focus === tasksPane ? bindings.filter(({scope}) => scope === 'tasks') : [];
	const general = bindings.filter(({scope, action}) => scope === 'read' && !own.some(each => each.action === action));
	return [...own, ...general]
		.filter(({help, action}) => help !== '' && !excluded.has(action))
		.filter(({action}) => search !== null || (action !== 'hit_next' && action !== 'hit_previous'))
		.map(({action, help, label}): PaletteItem => ({
			id: action,
			label: printable(help),
			detail: p``,
			right: printable(label),
			tag: null,
			target: {kind: 'action', action},
		}));
}

function paneItems(state: State, {arrangement}: Ui): PaletteItem[] {
	const numbers = numbersOf(arrangement);
	return arrangement.order.map((pane): PaletteItem => {
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

function writeItems(state: State, now: number): PaletteItem[] {
	const me = foldTag(state.identity?.tag ?? '');
	return agentList(state, now)
		.filter(({tag}) => foldTag(tag) !== me)
		.map((agent): PaletteItem => {
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

function taskItems(state: State): PaletteItem[] {
	return [...state.tasks.values()]
		.sort((one, other) => other.id - one.id)
		.slice(0, maxTasks)
		.map((task): PaletteItem => ({
			id: `task ${task.id}`,
			label: p`task #${task.id} ${printable(task.title)}`,
			detail: p`${statusOf(state, task)}${task.lease_owner === null ? '' : p`, ${printable(task.lease_owner)}`}`,
			right: p`task`,
			tag: null,
			target: {kind: 'task', id: task.id},
		}));
}
