import {printable, type Printable} from '../../printable.ts';
import {writeKey} from './key-name.ts';

/**
 * Where a key means something. In the pane of tasks and on a task's card, `tasks` goes before `read`; other cards, the help
 * and questions are read with the keys of `read`. A `panel` has a line to type into and a list to choose from: search,
 * filter, palette, pickers.
 */
export type KeyScope = 'read' | 'compose' | 'tasks' | 'timeline' | 'panel';

export interface Binding {
	readonly action: Action;
	readonly scope: KeyScope;
	/** As keyboard.ts names them. */
	readonly keys: readonly string[];
	/** How help and the last row write them. */
	readonly label: string;
	/** One or two words for the last row; absent: only in the help. */
	readonly hint?: string;
	/** Fits beside its label into half of a small screen; empty where another line says it. */
	readonly help: string;
	/** The action of which this line speaks as well. */
	readonly with?: Action;
}

export type Action =
	| 'focus_next'
	| 'focus_previous'
	| 'focus_number'
	| 'focus_left'
	| 'focus_right'
	| 'focus_tasks'
	| 'next_unread'
	| 'move_left'
	| 'move_right'
	| 'hide'
	| 'pin'
	| 'zoom'
	| 'unzoom'
	| 'down'
	| 'up'
	| 'half_down'
	| 'half_up'
	| 'page_down'
	| 'page_up'
	| 'oldest'
	| 'newest'
	| 'open'
	| 'back'
	| 'compose'
	| 'acknowledge'
	| 'tag'
	| 'reply'
	| 'quote'
	| 'copy'
	| 'copy_link'
	| 'open_link'
	| 'redact'
	| 'search'
	| 'filter'
	| 'palette'
	| 'hit_next'
	| 'hit_previous'
	| 'help'
	| 'redraw'
	| 'mouse'
	| 'suspend'
	| 'quit'
	| 'interrupt'
	| 'send'
	| 'newline'
	| 'pick_tag'
	| 'search_sent'
	| 'edit_elsewhere'
	| 'leave'
	| 'timeline'
	| TaskAction
	| TimelineAction
	| PanelAction;

/** What is done to the chosen task. */
export type TaskAction =
	| 'task_add'
	| 'task_cancel'
	| 'task_retry'
	| 'task_assign'
	| 'task_up'
	| 'task_down'
	| 'task_message';

/** What keys do in the timeline alone. */
export type TimelineAction =
	| 'timeline_earlier'
	| 'timeline_later'
	| 'timeline_lane_below'
	| 'timeline_lane_above'
	| 'timeline_half_earlier'
	| 'timeline_half_later'
	| 'timeline_zoom_in'
	| 'timeline_zoom_out'
	| 'timeline_step_back'
	| 'timeline_step_on'
	| 'timeline_jump_back'
	| 'timeline_jump_on'
	| 'timeline_play'
	| 'timeline_speed'
	| 'timeline_first'
	| 'timeline_present'
	| 'timeline_open'
	| 'timeline_close';

/** What keys do where one types to find something. */
export type PanelAction =
	| 'panel_next'
	| 'panel_previous'
	| 'panel_page_next'
	| 'panel_page_previous'
	| 'panel_take'
	| 'panel_close';

/** Every key there is, as long as nobody changes it. */
export const defaultKeymap: readonly Binding[] = [
	{action: 'focus_next', scope: 'read', keys: ['tab'], label: 'tab', hint: 'pane', help: 'next pane'},
	{action: 'focus_previous', scope: 'read', keys: ['shift-tab'], label: 'shift-tab', help: 'previous pane'},
	{
		action: 'focus_number',
		scope: 'read',
		keys: ['1', '2', '3', '4', '5', '6', '7', '8', '9', '0'],
		label: '0-9',
		help: 'pane by its number',
	},
	{
		action: 'focus_left',
		scope: 'read',
		keys: ['h', 'left'],
		label: 'h l',
		help: 'pane left, right',
		with: 'focus_right',
	},
	{action: 'focus_right', scope: 'read', keys: ['l', 'right'], label: 'l', help: ''},
	{action: 'focus_tasks', scope: 'read', keys: ['t'], label: 't', help: 'tasks'},
	{action: 'next_unread', scope: 'read', keys: ['u'], label: 'u', help: 'next pane with unread'},
	{action: 'zoom', scope: 'read', keys: ['+'], label: '+ _', help: 'pane alone, and back', with: 'unzoom'},
	{action: 'unzoom', scope: 'read', keys: ['_'], label: '_', help: ''},
	{action: 'move_left', scope: 'read', keys: ['<'], label: '< >', help: 'move the pane', with: 'move_right'},
	{action: 'move_right', scope: 'read', keys: ['>'], label: '>', help: ''},
	{action: 'hide', scope: 'read', keys: ['H'], label: 'H', help: 'hide it; its number: back'},
	{action: 'pin', scope: 'read', keys: ['P'], label: 'P', help: 'pin it to the screen'},
	{action: 'down', scope: 'read', keys: ['j', 'down'], label: 'j ↓', help: 'next message'},
	{action: 'up', scope: 'read', keys: ['k', 'up'], label: 'k ↑', hint: 'select', help: 'previous message'},
	{
		action: 'half_down',
		scope: 'read',
		keys: ['^d'],
		label: '^d ^u',
		help: 'half a page down, up',
		with: 'half_up',
	},
	{action: 'half_up', scope: 'read', keys: ['^u'], label: '^u', help: ''},
	{
		action: 'page_down',
		scope: 'read',
		keys: ['pagedown', ' '],
		label: 'PgDn PgUp',
		help: 'a page down, up',
		with: 'page_up',
	},
	{action: 'page_up', scope: 'read', keys: ['pageup'], label: 'PgUp', help: ''},
	{
		action: 'oldest',
		scope: 'read',
		keys: ['g', 'home'],
		label: 'g',
		help: 'oldest, and older ones',
	},
	{action: 'newest', scope: 'read', keys: ['G', 'end'], label: 'G', help: 'newest, and follow'},
	{
		action: 'open',
		scope: 'read',
		keys: ['enter'],
		label: 'enter',
		hint: 'thread',
		help: 'thread; in it: its task',
	},
	{action: 'back', scope: 'read', keys: ['escape'], label: 'esc', help: 'back out of it'},
	{action: 'compose', scope: 'read', keys: ['c'], label: 'c', hint: 'write', help: 'write a message'},
	{
		action: 'reply',
		scope: 'read',
		keys: ['r'],
		label: 'r',
		hint: 'reply',
		help: 'reply, or edit what failed',
	},
	{action: 'quote', scope: 'read', keys: ['R'], label: 'R', help: 'reply, and quote it'},
	{action: 'copy', scope: 'read', keys: ['y'], label: 'y Y', help: 'copy its text, a link'},
	{action: 'copy_link', scope: 'read', keys: ['Y'], label: 'Y', help: ''},
	{action: 'open_link', scope: 'read', keys: ['o'], label: 'o', help: 'open a link in it'},
	{action: 'redact', scope: 'read', keys: ['x'], label: 'x', help: 'redact it; asks'},
	{action: 'acknowledge', scope: 'read', keys: ['a'], label: 'a', help: 'mark it as done'},
	{action: 'tag', scope: 'read', keys: ['#'], label: '#', hint: 'tag', help: 'choose who you write as'},
	{action: 'timeline', scope: 'read', keys: ['T'], label: 'T', help: 'look back: the timeline'},
	{action: 'search', scope: 'read', keys: ['/'], label: '/', hint: 'search', help: 'search all of history'},
	{action: 'filter', scope: 'read', keys: ['f'], label: 'f', hint: 'filter', help: 'filter this pane'},
	{action: 'hit_next', scope: 'read', keys: ['n'], label: 'n N', help: 'next hit, previous hit', with: 'hit_previous'},
	{action: 'hit_previous', scope: 'read', keys: ['N'], label: 'N', help: ''},
	{
		action: 'palette',
		scope: 'read',
		keys: [':', '^p'],
		label: ': ^p',
		hint: 'commands',
		help: 'find and do anything',
	},
	{action: 'redraw', scope: 'read', keys: ['^l'], label: '^l', help: 'redraw the screen'},
	{action: 'mouse', scope: 'read', keys: ['m'], label: 'm', help: 'mouse; shift-drag selects'},
	{action: 'suspend', scope: 'read', keys: ['^z'], label: '^z', help: 'stop; the shell resumes it'},
	{action: 'help', scope: 'read', keys: ['?'], label: '?', hint: 'help', help: 'this help'},
	{action: 'quit', scope: 'read', keys: ['q'], label: 'q', hint: 'quit', help: 'quit; asks about a draft'},
	{action: 'interrupt', scope: 'read', keys: ['^c'], label: '^c ^c', help: 'quit at once'},
	{action: 'send', scope: 'compose', keys: ['enter'], label: 'enter', hint: 'send', help: 'send the message'},
	{action: 'newline', scope: 'compose', keys: ['^j', 'alt-enter'], label: '^J', hint: 'line', help: 'a new line'},
	{
		action: 'pick_tag',
		scope: 'compose',
		keys: ['#', 'tab'],
		label: '# tab',
		hint: 'tag',
		help: 'choose who you write as',
	},
	{action: 'edit_elsewhere', scope: 'compose', keys: ['^x'], label: '^X', hint: 'editor', help: 'write it in $EDITOR'},
	{action: 'search_sent', scope: 'compose', keys: ['^r'], label: '^R', help: 'search what was sent'},
	{
		action: 'leave',
		scope: 'compose',
		keys: ['escape'],
		label: 'esc',
		hint: 'back',
		help: 'back; the draft stays',
	},
	{action: 'open', scope: 'tasks', keys: ['enter'], label: 'enter', hint: 'open', help: 'open the task'},
	{action: 'task_add', scope: 'tasks', keys: ['n'], label: 'n', hint: 'add', help: 'add one (also /task)'},
	{action: 'task_cancel', scope: 'tasks', keys: ['x'], label: 'x', hint: 'cancel', help: 'cancel it; asks'},
	{action: 'task_retry', scope: 'tasks', keys: ['R'], label: 'R', hint: 'retry', help: 'try what failed again'},
	{action: 'task_assign', scope: 'tasks', keys: ['A'], label: 'A', hint: 'assign', help: 'for one agent alone'},
	{action: 'task_up', scope: 'tasks', keys: ['+'], label: '+ -', hint: 'priority', help: 'more, less urgent'},
	{action: 'task_down', scope: 'tasks', keys: ['-'], label: '-', help: ''},
	{action: 'task_message', scope: 'tasks', keys: ['o'], label: 'o', hint: 'message', help: 'where it was asked for'},
	{action: 'redraw', scope: 'compose', keys: ['^l'], label: '^l', help: ''},
	{action: 'suspend', scope: 'compose', keys: ['^z'], label: '^z', help: ''},
	{action: 'interrupt', scope: 'compose', keys: ['^c'], label: '^c ^c', help: ''},
	{
		action: 'timeline_earlier',
		scope: 'timeline',
		keys: ['h', 'left'],
		label: 'h l',
		hint: 'select',
		help: 'earlier, later one',
		with: 'timeline_later',
	},
	{action: 'timeline_later', scope: 'timeline', keys: ['l', 'right'], label: 'l →', help: ''},
	{
		action: 'timeline_lane_below',
		scope: 'timeline',
		keys: ['j', 'down'],
		label: 'j k',
		help: 'lane below, above',
		with: 'timeline_lane_above',
	},
	{action: 'timeline_lane_above', scope: 'timeline', keys: ['k', 'up'], label: 'k ↑', help: ''},
	{
		action: 'timeline_half_earlier',
		scope: 'timeline',
		keys: ['^u', 'pageup'],
		label: '^u ^d',
		help: 'half a screen back, on',
		with: 'timeline_half_later',
	},
	{action: 'timeline_half_later', scope: 'timeline', keys: ['^d', 'pagedown'], label: '^d', help: ''},
	{
		action: 'timeline_zoom_in',
		scope: 'timeline',
		keys: ['+', '='],
		label: '+ -',
		hint: 'zoom',
		help: 'zoom in, out',
		with: 'timeline_zoom_out',
	},
	{action: 'timeline_zoom_out', scope: 'timeline', keys: ['-', '_'], label: '-', help: ''},
	{
		action: 'timeline_step_back',
		scope: 'timeline',
		keys: [','],
		label: ', .',
		hint: 'step',
		help: 'one event back, on',
		with: 'timeline_step_on',
	},
	{action: 'timeline_step_on', scope: 'timeline', keys: ['.'], label: '.', help: ''},
	{
		action: 'timeline_jump_back',
		scope: 'timeline',
		keys: ['<'],
		label: '< >',
		help: 'a tenth of the screen',
		with: 'timeline_jump_on',
	},
	{action: 'timeline_jump_on', scope: 'timeline', keys: ['>'], label: '>', help: ''},
	{action: 'timeline_play', scope: 'timeline', keys: [' '], label: 'space', hint: 'play', help: 'play, pause'},
	{
		action: 'timeline_speed',
		scope: 'timeline',
		keys: ['s'],
		label: 's',
		hint: 'speed',
		help: '1, 10, 60 times as fast',
	},
	{action: 'timeline_first', scope: 'timeline', keys: ['g', 'home'], label: 'g', help: 'the oldest that is read'},
	{
		action: 'timeline_present',
		scope: 'timeline',
		keys: ['G', 'end'],
		label: 'G',
		hint: 'now',
		help: 'now, and go with it',
	},
	{
		action: 'timeline_open',
		scope: 'timeline',
		keys: ['enter'],
		label: 'enter',
		hint: 'open',
		help: 'open it in its pane',
	},
	{
		action: 'timeline_close',
		scope: 'timeline',
		keys: ['escape', 'T'],
		label: 'esc',
		hint: 'back',
		help: 'back to now, then out',
	},
	{action: 'help', scope: 'timeline', keys: ['?'], label: '?', hint: 'help', help: ''},
	{action: 'redraw', scope: 'timeline', keys: ['^l'], label: '^l', help: ''},
	{action: 'quit', scope: 'timeline', keys: ['q'], label: 'q', help: ''},
	{action: 'interrupt', scope: 'timeline', keys: ['^c'], label: '^c ^c', help: ''},
	{
		action: 'panel_take',
		scope: 'panel',
		keys: ['enter', 'tab'],
		label: 'enter',
		hint: 'take',
		help: 'open it, or run it',
	},
	{
		action: 'panel_next',
		scope: 'panel',
		keys: ['down', '^n'],
		label: '↓ ↑',
		hint: 'choose',
		help: 'next, previous in the list',
		with: 'panel_previous',
	},
	{action: 'panel_previous', scope: 'panel', keys: ['up', '^p'], label: '↑', help: ''},
	{
		action: 'panel_page_next',
		scope: 'panel',
		keys: ['pagedown'],
		label: 'PgDn PgUp',
		help: 'some on, some back',
		with: 'panel_page_previous',
	},
	{action: 'panel_page_previous', scope: 'panel', keys: ['pageup'], label: 'PgUp', help: ''},
	{action: 'panel_close', scope: 'panel', keys: ['escape'], label: 'esc', hint: 'back', help: 'back, as it was'},
	{action: 'suspend', scope: 'panel', keys: ['^z'], label: '^z', help: ''},
	{action: 'interrupt', scope: 'panel', keys: ['^c'], label: '^c ^c', help: ''},
];

/** The keys that are in use: what they do, the help, and the hints in the last row are read from here. */
export let keymap: readonly Binding[] = [...defaultKeymap];

let byScope = actionsByScope();

/** Takes other keys into use. */
export function useKeymap(next: readonly Binding[]): void {
	keymap = next;
	byScope = actionsByScope();
}

function actionsByScope(): Record<KeyScope, ReadonlyMap<string, Action>> {
	return {
		read: actionsIn('read'),
		compose: actionsIn('compose'),
		tasks: actionsIn('tasks'),
		timeline: actionsIn('timeline'),
		panel: actionsIn('panel'),
	};
}

function actionsIn(scope: KeyScope): ReadonlyMap<string, Action> {
	return new Map(
		keymap
			.filter(binding => binding.scope === scope)
			.flatMap(({keys, action}) => keys.map(key => [key, action] as const)),
	);
}

export function isTimelineAction(action: Action): action is TimelineAction {
	return action.startsWith('timeline_');
}

export function isPanelAction(action: Action): action is PanelAction {
	return action.startsWith('panel_');
}

export function actionOf(scope: KeyScope, key: string): Action | undefined {
	return byScope[scope].get(key) ?? (scope === 'tasks' ? byScope.read.get(key) : undefined);
}

/** The key of an action, for a sentence that names it; empty when it has none. */
export function keyFor(action: Action): Printable {
	const [key] = keymap.find(binding => binding.action === action)?.keys ?? [];
	return printable(key === undefined ? '' : writeKey(key));
}

/** The key, as keyboard.ts names it, that does this there; undefined where it has none. */
export function firstKey(scope: KeyScope, action: Action): string | undefined {
	return keymap.find(binding => binding.scope === scope && binding.action === action)?.keys[0];
}

/** What the last row says: the keys that matter here; among tasks also what they do elsewhere, unless nothing `general` is wanted. */
export function hints(scope: KeyScope, general = true): Array<{label: Printable; hint: Printable}> {
	const own = keymap.flatMap(({scope: where, label, hint}) =>
		where === scope && hint !== undefined && label !== '' ? [{label: printable(label), hint: printable(hint)}] : [],
	);
	if (scope !== 'tasks' || !general) return own;
	return [...own, ...hints('read').filter(({label}) => own.every(each => each.label !== label))];
}
