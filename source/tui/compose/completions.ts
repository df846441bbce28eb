import {groupsOf} from '../../mailbox/agent.ts';
import {sameTag, type Tag} from '../../mailbox/tag.ts';
import type {State} from '../../store/state/state.ts';
import {fuzzy} from '../settings/fuzzy.ts';
import type {Compose} from '../model/ui.ts';
import {beginnings, beginsUrgent} from './commands.ts';
import {completed, mentionAtCursor} from './mention-completion.ts';
import {composeTag, setCompose, setEditor, type ComposeContext} from '../model/draft.ts';
import type {Editor} from '../editor/editor.ts';
import {knownTags} from '../model/tags.ts';

/** A completion of the word at the cursor. */
export interface Completion {
	/** As shown in the list and inserted into the draft: `@CLAUDE_1`. */
	readonly text: string;
	/** A description, if the text needs one. */
	readonly about: string;
	/** The tag whose colour it has; null: none. */
	readonly tag: Tag | null;
	readonly become: () => Editor;
}

interface Completions {
	readonly list: readonly Completion[];
	/** Enter inserts the selected one instead of sending. */
	readonly onEnter: boolean;
}

const none: Completions = {list: [], onEnter: false};
const maxCompletions = 6;

/** The completions at the cursor, best first. */
export function completionsFor(state: State, compose: Compose): readonly Completion[] {
	return compose.completion < 0 || compose.search !== null ? [] : completionsAt(state, compose).list;
}

function completionsAt(state: State, compose: Compose): Completions {
	return commandCompletions(compose) ?? tagCompletions(state, compose);
}

/** The commands that complete the draft; null unless it is the beginning of one. */
function commandCompletions({editor, prefill}: Compose): Completions | null {
	const [, typed] = /^\/([a-z]*)$/i.exec(editor.text) ?? [];
	if (typed === undefined || editor.cursor !== editor.text.length) return null;
	const list = fuzzy(typed, beginnings, ({name}) => name).map(({name, usage, about}): Completion => ({
		text: `/${name}`,
		about: `${usage}   ${about}`,
		tag: null,
		become: () => {
			const text = `/${name} ${beginsUrgent(`/${name} `) ? prefill : ''}`;
			return {text, cursor: text.length};
		},
	}));
	return {list, onEnter: true};
}

/** The tags that complete the mention at the cursor. */
function tagCompletions(state: State, compose: Compose): Completions {
	const mention = mentionAtCursor(compose.editor);
	if (mention === null) return none;
	const me = composeTag(state, compose);
	const tags = fuzzy(
		mention.typed,
		[...knownTags(state).filter(tag => !sameTag(tag, me)), ...groupsOf(state.agents.values())],
		tag => tag,
	).slice(0, maxCompletions);
	if (tags.length === 1 && tags[0] === mention.typed) return none;
	return {
		list: tags.map(tag => ({
			text: `@${tag}`,
			about: '',
			tag,
			become: () => completed(compose.editor, mention, tag),
		})),
		onEnter: mention.typed !== '' && !tags.some(tag => sameTag(tag, mention.typed)),
	};
}

/** Handles a key while completions are shown; false if the key is not for them. */
export function completionKey(context: ComposeContext, key: string): boolean {
	const {compose, keymap} = context.ui.getState();
	if (compose.completion < 0) return false;
	const {list, onEnter} = completionsAt(context.store.getState(), compose);
	const chosen = list[compose.completion];
	if (chosen === undefined) return false;
	const action = keymap.actionOf('panel', key);
	if (action === 'panel_previous' || action === 'panel_next') {
		const step = action === 'panel_previous' ? -1 : 1;
		setCompose(context, {completion: (compose.completion + step + list.length) % list.length});
		return true;
	}
	// The key that sends does send if the word is already complete.
	if (action === 'panel_take' && (onEnter || keymap.actionOf('compose', key) !== 'send')) {
		setEditor(context, chosen.become());
		return true;
	}
	if (action === 'panel_close') {
		setCompose(context, {completion: -1});
		return true;
	}
	return false;
}
